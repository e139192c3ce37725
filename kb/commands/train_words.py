"""`howtree train words`: the word vectors by which the search finds goals by meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from howtree.files import WORK_SUFFIX


def words(
    gold: Annotated[Path, typer.Option(help='JSON Lines of {"step": text, "goal": title}.')],
    texts: Annotated[list[Path], typer.Option(help="Titles and steps, one a line; may be repeated.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The vectors to write (.npz).")],
    encoder: Annotated[str, typer.Option(help="Name or folder of the encoder that is imitated.")] = "",
    work: Annotated[Path | None, typer.Option(help="Folder for vectors; kept, so a rerun is fast.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the texts.")] = 3,
) -> None:
    """Train word vectors whose sums are like the vectors that an encoder gives whole texts.

    Example: howtree train words --gold gold.jsonl --texts titles.txt --texts steps.txt -o words.npz
    """
    from howtree.extras import needs
    from howtree.progress import progress, say
    from kb.meaning.encoder import words_of
    from linking.encode.encoder import load_encoder
    from linking.gold.examples import training_part
    from linking.gold.links import read_gold, read_pool
    from linking.retrieve.vectors import VectorStore
    from linking.train.words import WordRecipe, train_words

    needs("build", "training")
    lines = list(dict.fromkeys(line for path in texts for line in read_pool(path)))
    model = load_encoder(encoder, "float32", "cpu")
    with progress(None, "Encoding the texts", len(lines)) as bar:
        store = VectorStore((work or output.with_suffix(WORK_SUFFIX)) / model.digest[:16])
        vectors = store.vectors(store.add(lines, model, bar))
    own = sorted(model.model.tokenizer.get_vocab())
    train_words(
        lines,
        vectors,
        training_part(read_gold(gold)),
        model,
        own,
        words_of,
        WordRecipe(epochs=epochs),
        output,
    )
    say(f"written to {output}: {output.stat().st_size / 1e6:.1f} MB")
