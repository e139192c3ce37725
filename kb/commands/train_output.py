"""What `howtree train` may write to, looked at before anything is trained."""

from __future__ import annotations

from pathlib import Path

from howtree.errors import BadUsage
from howtree.files import refuse_unwritable


def refuse_shipped(output: Path) -> None:
    """Leave alone the models that come with the package, whose names mean those and no folder.

    Raises:
        BadUsage: `output` is such a name.
    """
    from linking.encode.folder import SHIPPED

    if str(output) in SHIPPED:
        raise BadUsage(
            f"{output} is the name of a model that comes with the package, which is not written to: give -o with "
            "another folder"
        )


def refuse_before_work(*folders: Path) -> None:
    """See that what takes minutes to make can be written.

    Raises:
        BadInput: nothing can be written to one of the folders.
    """
    for folder in folders:
        refuse_unwritable(folder)
