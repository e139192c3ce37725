"""What the bare address shows: the search, and until one asks, procedures that are worth a look."""

from kb.explorer.find import page

if __name__ == "__main__":
    page(start=True)
