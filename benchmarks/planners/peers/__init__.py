"""The peers: one file for each library, all behind the protocol of `benchmarks.planners.contenders`.

They come with the extra `peers`, and nothing here is imported before a peer is asked for.
"""
