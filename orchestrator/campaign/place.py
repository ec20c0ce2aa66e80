"""Where a campaign's ledger is: a file in its folder, or a campaign of a database."""

from dataclasses import replace
from pathlib import Path

from orchestrator.address import Address, address
from orchestrator.config import CampaignConfig
from orchestrator.ledger import exists


def place_of_ledger(settings: CampaignConfig, folder: Path) -> Path | Address:
    """Return where the ledger of a campaign is, as its configuration says."""
    place = address(settings.ledger)
    if isinstance(place, Path):
        return folder / place
    return place if place.campaign else replace(place, campaign=settings.campaign)


def beside(settings: CampaignConfig, folder: Path) -> tuple[Path, Path | Address]:
    """Return the next folder and place where there is no ledger yet."""
    first = free = place_of_ledger(settings, folder)
    n, found = 1, folder
    while exists(free):
        n += 1
        found = folder.with_name(f"{folder.name}-{n}")
        if isinstance(first, Address):
            free = replace(first, campaign=f"{first.campaign}-{n}")
        else:
            free = place_of_ledger(settings, found)
    return found, free
