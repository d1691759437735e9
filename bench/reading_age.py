"""How old a reader must be for what the helpline says, by kind of text.

    .venv/bin/python -m bench.reading_age [--plain]

Texts of fewer than eight words are left out. With --plain no name counts as easy, whether by its capital letter or by
content/known_names.yml: what any other program would say of the same words.
"""

import argparse
from collections import defaultdict
from statistics import quantiles

from content.reading_age import MOST_READING_AGE, load_names, reading_age
from content.resident_texts import resident_texts
from helpline.bootstrap import load_all_content, own_feeds
from helpline.checks import small_talk_texts
from helpline.settings import REPOSITORY, Settings


def main() -> None:
    """Print one line for each kind of text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plain", action="store_true", help="without easy names")
    without_names = parser.parse_args().plain
    settings = Settings()
    content, safety = load_all_content(settings)
    names = None if without_names else load_names(settings.content_folder)
    texts = [
        *resident_texts(content, safety, own_feeds(settings, content)),
        *small_talk_texts(REPOSITORY / "bot" / "domain" / "small_talk.yml"),
    ]
    ages: dict[str, list[float]] = defaultdict(list)
    for one in texts:
        age = reading_age(one.text, names)
        if age is not None:
            ages[one.kind].append(age)
    print(f"| kind | texts | half, up to | 9 in 10, up to | highest | above {MOST_READING_AGE:.0f} |")
    print("|---|---|---|---|---|---|")
    for kind, found in [*ages.items(), ("all", [age for each in ages.values() for age in each])]:
        tenths = quantiles(found, n=10, method="inclusive")
        above = sum(age > MOST_READING_AGE for age in found)
        print(f"| {kind} | {len(found)} | {tenths[4]:.1f} | {tenths[8]:.1f} | {max(found):.1f} | {above} |")


if __name__ == "__main__":
    main()
