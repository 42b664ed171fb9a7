"""evasion - mails that hide a payload from scanners, and clean mails that look as if they did

catalogue() gives the rows of the catalogue of tricks, each with both payloads or in two places; combinations() mixes three
of them; clean() (clean.py) what must not be found. The same list on every run and every machine.
"""
import itertools
import random

from . import bodies, build, headers, nesting, structure
from .build import CRLF, EICAR, NAMES, PAYLOADS, Mail, signatures, split_head

COMBINATIONS = 150


def catalogue():
    out = []
    turn = itertools.cycle(('eicar', 'bin'))
    for module in (headers, bodies, structure, nesting):
        for name, section, make, places, *payloads in module.mails():
            # each place and each payload at least once
            choices = payloads[0] if payloads else (next(turn), next(turn))
            if not payloads and len(places) == 2 and next(turn) == 'eicar':
                choices = choices[::-1]
            for n in range(max(len(places), len(choices))):
                payload, place = choices[n % len(choices)], places[n % len(places)]
                full = '%s/%s.%s.%s' % (section, name, place, payload)
                data = build.PLACES[place](make(PAYLOADS[payload]), full)
                out.append(Mail(full, section, data, payload))
    for section, module in (('E', structure), ('F', nesting)):
        for name, make in module.top_level():
            payload = next(turn)
            out.append(Mail('%s/%s.%s' % (section, name, payload), section, make(PAYLOADS[payload]), payload))
    for name, make, want in nesting.special():
        payload = 'eicar' if 'infected' in want else None
        out.append(Mail('F/' + name, 'F', make(EICAR), payload, want))
    return out


def combine(rng, name, payload):
    """A trick of the transfer encoding around one of its body, both within a trick of structure, forwarded or nested."""
    data = PAYLOADS[payload]
    cte = [(n, h) for n, h, how in headers.fields() if how == 'b64' and n not in ('cte-none', 'name-misspelt', 'name-joined')]
    body = [(n, fn) for n, fn in bodies.base64_bodies().items() if payload in next(
        ((p,) for key, p in bodies.ONLY.items() if key in 'b64/' + n), ('eicar', 'bin'))]
    trick, head = rng.choice(cte)
    text, fn = rng.choice(body)
    sep, around = rng.choice([('', CRLF)] * 3 + list(structure.SEPARATORS.items()))
    part = build.Entity([build.TYPE] + head, fn(data), sep=around)
    outer, lines = rng.choice(list(structure.HEADS.items()))
    real = structure.REAL.get(outer, b'foo')
    entity = build.Entity(lines, build.mp_body([build.TEXT, part], real))
    if rng.random() < 0.3:
        entity = nesting.message_part('message/rfc822', entity)
    place = rng.choice(['part', 'fwd'])
    full = 'X/%s+%s+%s%s.%s.%s' % (trick, text, outer, '+sep-' + sep if sep else '', place, payload)
    return Mail('%s#%s' % (full, name), 'X', build.PLACES[place](entity, 'combination'), payload)


def combinations(count=COMBINATIONS, seed=5):
    rng = random.Random(seed)
    return [combine(rng, str(n), ('eicar', 'bin')[n % 2]) for n in range(count)]


def everything():
    mails = catalogue() + combinations()
    names = [m.name for m in mails]
    assert len(set(names)) == len(names), 'two mails of one name'
    return mails
