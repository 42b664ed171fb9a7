#!/usr/bin/python3
"""Mails that hide a payload are caught, odd but clean mails are not, with and without paranoid, also through a real Postfix

The catalogue is tests/evasion: every trick of the design's list, combinations of three, and clean mails; the database knows
the payloads by the hash of the exact object only.
"""
# run: timeout=180
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
import evasion
from evasion import build, clean, drive
from lib import postfix, rig, smtp, tap

MAILS_LEAST, CLEAN_LEAST = 400, 150
CAUGHT_LEAST, UNSCANNABLE_MOST = 0.98, 0.02
# What a name must contain to be missed, and why nobody is hurt by it.
MISSES = {
}
# The same for mail that came through Postfix, which changes some bytes before anybody reads them.
STRAY_CR = 'Postfix makes a blank of a lone CR (cleanup_replace_stray_cr_lf): the payload is delivered to nobody'
POSTFIX_MISSES = dict(MISSES, **{
    '/soft-lfcr.': STRAY_CR, '/soft-plain-lfcr.': STRAY_CR, '/ends/cr.': STRAY_CR, '/top/cr-only': STRAY_CR, '+sep-cr.': STRAY_CR,
})
DAEMONS = {}


def daemon(paranoid=False):
    if paranoid not in DAEMONS:
        DAEMONS[paranoid] = drive.daemon('paranoid' if paranoid else 'plain', paranoid).start()
    return DAEMONS[paranoid]


@tap.on_failure
def logs():
    return '\n'.join(d.events() for d in DAEMONS.values())


def judge(results, misses=MISSES):
    """The figures, and that each miss stands in the table."""
    caught, unscannable, count = drive.figures(results)['all']
    for section, row in drive.figures(results).items():
        tap.diag('%s: %d of %d caught, %d unscannable' % (section, row[0], row[2], row[1]))
    missed = [(m, s) for m, s in results if not drive.right(m, s)]
    for m, s in missed:
        tap.diag('missed: %s: %s' % (m.name, s))
    tap.ok(caught >= CAUGHT_LEAST * count, '%d of %d caught' % (caught, count))
    tap.ok(unscannable <= UNSCANNABLE_MOST * count, '%d of %d unscannable' % (unscannable, count))
    tap.eq([m.name for m, s in missed if not any(part in m.name for part in misses)], [], 'misses that nobody has explained')
    tap.eq([part for part in misses if not any(part in m.name for m, _ in missed)], [], 'explanations that nothing needs')


@tap.test('the catalogue has at least %d tricks and %d clean mails, the same on every run' % (MAILS_LEAST, CLEAN_LEAST))
def size():
    tap.ok(len(evasion.everything()) >= MAILS_LEAST, 'too few tricks')
    tap.ok(len(clean.mails()) >= CLEAN_LEAST, 'too few clean mails')
    tap.eq([m.data for m in evasion.everything()], [m.data for m in evasion.everything()])
    tap.eq(set('ABCDEFX') - {m.section for m in evasion.everything()}, set(), 'sections without a mail')


@tap.test('the payload itself is found, and the same mails with another payload are clean')
def control():
    plain = [build.Mail('plain/' + p, 'plain', build.message(build.attachment(build.PAYLOADS[p]), 'plain'), p) for p in build.PAYLOADS]
    for mail, said in drive.scan(daemon(), plain):
        tap.eq((said.cls, said.name), ('infected', mail.signature), mail.name)


@tap.test('of all tricks at least 98 % are caught, at most 2 % unscannable')
def tricks():
    judge(drive.scan(daemon(), evasion.everything()))


@tap.test('no clean mail is flagged')
def clean_mails():
    flagged = [(m.name, repr(s)) for m, s in drive.scan(daemon(), clean.mails()) if s.cls != 'clean']
    tap.eq(flagged, [])


def code(said):
    """CODE of Paranoid.CODE, or None."""
    return said.name[len('Paranoid.'):] if said.cls == 'evasion' and said.name.startswith('Paranoid.') else None


@tap.test('paranoid: the tricks are still caught, as infected or by a code')
def paranoid_tricks():
    results = drive.scan(daemon(True), evasion.everything())
    tap.diag('%d by a code' % sum(code(s) is not None for _, s in results))
    tap.eq([repr(s) for _, s in results if s.cls == 'evasion' and not code(s)], [], 'evasion without a code')
    judge(results)


@tap.test('paranoid: a clean mail is flagged only by a code that the list of such mails explains')
def paranoid_clean():
    flagged = [(m, s) for m, s in drive.scan(daemon(True), clean.mails()) if s.cls != 'clean']
    for m, s in flagged:
        tap.diag('%s: %s' % (m.name, s))
    tap.eq([(m.name, repr(s)) for m, s in flagged if not clean.may_show(m, code(s))], [])


def through_postfix(mails, port):
    """[(Mail, Said)]: what avmilter said of each when a real Postfix handed it over."""
    d = daemon()
    # refusals are no errors of the client's here
    pf = postfix.Postfix(d.postfix, name='pf%d' % port, port=port, extra=['smtpd_soft_error_limit = 10000', 'smtpd_hard_error_limit = 10000']).start()
    before = len(d.lines())
    client = smtp.Client(pf.port)
    told = []
    for mail in mails:
        reply = client.send(mail.data)
        tap.ok(reply.code in (250, 550, 551, 554, 451), '%s: %s' % (mail.name, reply))
        told.append((mail, reply))
    client.quit()
    rig.wait_for(lambda: len(d.lines()) >= before + len(mails), 60, 'the log lines')
    lines = [drive.Said(line) for _, line in d.lines()[before:]]
    return [(m, said) for (m, _), said in zip(told, lines)]


@tap.test('the tricks through a real Postfix: the same')
def postfix_tricks():
    judge(through_postfix(evasion.everything(), 2500), POSTFIX_MISSES)


@tap.test('the clean mails through a real Postfix: none flagged')
def postfix_clean():
    tap.eq([(m.name, repr(s)) for m, s in through_postfix(clean.mails(), 2520) if s.cls != 'clean'], [])


tap.main()
