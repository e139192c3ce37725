"""What the bare address shows: the same as Find, which has an address of its own so that links can name it."""

from kb.explorer.find import page

if __name__ == "__main__":
    page()
