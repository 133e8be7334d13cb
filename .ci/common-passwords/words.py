"""Prints the words of the filter, or the commonest passwords: words.py filter|commonest DJANGO_WHEEL ZXCVBN_WHEEL"""

import gzip
import sys
import unicodedata
import zipfile

# A password may have up to eight digits and signs beside a common one. A shop's passwords have at
# least eight characters, so that shorter words than this are never the core of one.
SHORTEST_PASSWORD = 4
# Words and names are only included from this length on, so that the filter stays below 150 KB.
SHORTEST_WORD = 9
# ASVS v5.0.0-6.2.4 requires the 3,000 commonest passwords that satisfy the policy, which is at
# least eight characters.
COMMONEST = 3000
LEAST = 8

what, django, zxcvbn = sys.argv[1:]
listed = gzip.decompress(zipfile.ZipFile(django).read("django/contrib/auth/common-passwords.txt.gz"))
sys.path.insert(0, zxcvbn)
from zxcvbn.frequency_lists import FREQUENCY_LISTS as frequency  # noqa: E402


def canonical(words):
    """The words as the library looks them up: in lower case and Unicode's normal form C, without repetitions."""
    return list(dict.fromkeys(unicodedata.normalize("NFC", word.lower()) for word in words))


by_rank = canonical(frequency["passwords"])
if what == "commonest":
    words = [word for word in by_rank if len(word) >= LEAST][:COMMONEST]
else:
    passwords = set(by_rank) | set(canonical(listed.decode().splitlines()))
    others = set(canonical(word for words in frequency.values() for word in words))
    words = {word for word in passwords if len(word) >= SHORTEST_PASSWORD}
    words |= {word for word in others if len(word) >= SHORTEST_WORD}
    words = sorted(words)
sys.stdout.reconfigure(encoding="utf-8")
print(*words, sep="\n")
