"""words - the vocabulary of the corpus and of the text signatures: English at its most frequent, then words made of syllables"""
import itertools
import random

FREQUENT = '''the of and to in a is that for it as was with be by on not he his but at are this have from or had an they
which one you were all her she there would their we him been has when who will no more if out so up said what its about
than into them can only other time new some could these two may first then do any like my now over such our man me even
most made after also did many off before must well back through years where much your way down should because long each
just state people those too mr how little good world make very year still see work life between under never day same last
three another might great old against being right few came again where place order please invoice account payment customer
service information contact number address offer price special free click here below company business product delivery
email website privacy policy subscribe newsletter update meeting project report week team thanks regards best dear hello
attached document find review question support online store today month date name phone office please let know'''.split()
SIZE = 4000


def vocabulary():
    rng = random.Random(4711)
    onset = 'b c d f g h j k l m n p r s t v w st tr pr ch sh br gr pl'.split()
    vowel = 'a e i o u ea ou ai io'.split()
    coda = ['', '', 'n', 'r', 's', 't', 'l', 'm', 'nd', 'st', 'ng', 'ck']
    made = set()
    while len(made) < SIZE:
        made.add(''.join(rng.choice(onset) + rng.choice(vowel) + rng.choice(coda) for _ in range(rng.randint(1, 4))))
    return FREQUENT + sorted(made)


WORDS = vocabulary()
# the n-th word is as frequent as 1/n, as in every language
WEIGHTS = list(itertools.accumulate(1.0 / (n + 5) for n in range(len(WORDS))))


def some(rng, count):
    return rng.choices(WORDS, cum_weights=WEIGHTS, k=count)


def sentences(rng, size):
    """Prose of about that many characters, a list of sentences."""
    out, length = [], 0
    while length < size:
        chosen = some(rng, rng.randint(5, 18))
        sentence = ' '.join(chosen).capitalize() + rng.choice('....?!')
        out.append(sentence)
        length += len(sentence) + 1
    return out
