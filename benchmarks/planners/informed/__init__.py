"""A planner that is told what no planner is: what the hills of a family are drawn from, and where films fail.

It answers what more knowledge could bring, and serves nothing else: some three seconds a suggestion, and families of
hills only. It needs PyTorch, which comes with the extra `peers`; nothing here is imported before it is asked for.
"""
