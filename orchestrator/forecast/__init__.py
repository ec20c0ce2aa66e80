"""Forecasts: the whole campaign performed many times on the simulated clock, each time with another chance.

Knows how to put simulated counterparts in the place of real drivers, and what to read off a campaign that is over.
Must not touch a tool: no driver that blocks is connected, asked or halted here.
"""

from orchestrator.forecast.outlook import Forecast, forecast

__all__ = ["Forecast", "forecast"]
