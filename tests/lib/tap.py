"""tap - the tests of one file: registered by a decorator, run in order, reported as TAP

    @tap.test('a clean mail is delivered')
    def clean(): ...

    tap.main(__file__)

A test fails by an exception. What the file wants shown beside a failure (ends of logs) it registers with on_failure().
The file runs in namespaces of its own (lib/rig.py); without root every test is reported as skipped, with the reason.
An argument on the command line selects the tests whose description contains it.
"""
import os
import re
import sys
import time
import traceback

TESTS = []
SHOW = []
SKIP_REASON = []


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def test(what):
    def register(fn):
        TESTS.append((what, fn))
        return fn
    return register


def on_failure(fn):
    """fn() returns text that helps to understand a failure."""
    SHOW.append(fn)


def eq(got, want, what=''):
    if got != want:
        raise AssertionError('%s: got %r, want %r' % (what or 'value', got, want))


def has(text, part, what=''):
    if part not in text:
        raise AssertionError('%s lacks %r:\n%s' % (what or 'text', part, text[-3000:]))


def hasnt(text, part, what=''):
    if part in text:
        raise AssertionError('%s has %r:\n%s' % (what or 'text', part, text[-3000:]))


def ok(condition, what):
    if not condition:
        raise AssertionError(what)


def diag(text):
    for line in str(text).rstrip('\n').split('\n'):
        print('# ' + line.replace('\r', '\\r'), flush=True)


REPORT = re.compile(r'(?m)^.*(?:ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|runtime error:).*$')


def sanitizer_reports():
    """Stops everything, then looks through all that was printed."""
    from lib import rig
    rig.stop_all()
    for folder, _, names in os.walk(rig.WORK):
        for name in names:
            if name != 'output':
                continue
            text = rig.read(os.path.join(folder, name))
            found = REPORT.search(text)
            if found:
                raise AssertionError('%s/%s:\n%s' % (folder, name, text[found.start():found.start() + 6000]))


def run(only):
    from lib import rig
    tests = [t for t in TESTS if not only or only in t[0]]
    if rig.SAN:
        tests.append(('the sanitizers reported nothing', sanitizer_reports))
    print('1..%d' % len(tests), flush=True)
    bad = 0
    for n, (what, fn) in enumerate(tests, 1):
        start = time.monotonic()
        try:
            fn()
        except Skip as why:
            print('ok %d - %s # SKIP %s' % (n, what, why), flush=True)
        except BaseException as why:
            if isinstance(why, (KeyboardInterrupt, SystemExit)):
                raise
            bad += 1
            print('not ok %d - %s' % (n, what), flush=True)
            diag(traceback.format_exc())
            for show in SHOW:
                try:
                    diag(show())
                except Exception as e:
                    diag('(no log: %s)' % e)
        else:
            took = time.monotonic() - start
            print('ok %d - %s%s' % (n, what, ' (%.1f s)' % took if took > 1 else ''), flush=True)
    rig.stop_all()
    return 1 if bad else 0


def main():
    from lib import rig
    only = sys.argv[1] if len(sys.argv) > 1 else ''
    if os.getuid() != 0:
        print('1..%d' % len(TESTS))
        for n, (what, _) in enumerate(TESTS, 1):
            print('ok %d - %s # SKIP needs root (namespaces, Postfix, users)' % (n, what))
        sys.exit(0)
    rig.isolate()
    sys.exit(run(only))
