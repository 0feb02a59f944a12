class LabError(Exception):
    """Something the user can act on; its text is printed and the exit status is 1."""
