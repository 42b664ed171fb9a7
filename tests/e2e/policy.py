#!/usr/bin/python3
"""The decision table: verdict x rule x recipients, on a real Postfix and a real sendmail, with what stands in each mailbox"""
# run: timeout=180 san=address,thread
import collections
import email
import hashlib
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, postfix, rig, sendmail, smtp, tap
from lib.avmilter import Daemon, q

PORT = 8970
KNOWN = b'FAKE:infected=Known.Sample and the rest of a sample that is known\r\n'
RULES = '''
policy "lan" { senders = {"lan@rule.test"} clients = {"127.0.0.0/8"} skip = true }
policy "boss" { recipients = {"v@local.test"} senders = {"vip@rule.test"} traffic = {mx} action = pass }
policy "unwanted" { names = {'^PUA[.]'} action = pass }
policy "store" { senders = {"store@rule.test"} action = quarantine }
policy "drop" { senders = {"drop@rule.test"} action = discard authenticated = false }
policy "later" { senders = {"later@rule.test"} action = tempfail tempfail_message = 'come again, %{class}' }
policy "elsewhere" { senders = {"elsewhere@rule.test"} action = redirect }
policy "two" { senders = {"two@rule.test"} recipients = {"w@local.test"} action = redirect redirect = "v@local.test" }
policy "not-w" { senders = {"notw@rule.test"} recipients = {"file:LISTS/w"} action = discard }
policy "strict" { senders = {"strict.test"} classes = {macro, encrypted} action = reject reject_message = 'no macros: %{virus}' }
policy "archive" { senders = {"archive@rule.test"} quarantine = true }
policy "clean-too" { senders = {"clean@rule.test"} classes = {clean} action = redirect }
policy "sample" { objects = {"KNOWN"} action = pass }
policy "symbol" { senders = {"symbol@rule.test"} symbols = {"FAKE_VIRUS_FAIL"} action = pass }
policy "over" { senders = {"over@rule.test"} expires = "2020-12-31" action = pass }
policy "trial" { senders = {"trial@rule.test"} observe = true action = discard }
policy "w-only" { senders = {"wonly@rule.test"} recipients = {"w@local.test"} action = quarantine }
policy "u-later" { senders = {"ulater@rule.test"} recipients = {"u@local.test"} action = tempfail }
'''
# what is found: the marker, the class, the name
NOTHING, VIRUS, MACRO, PUA, BROKEN, PART = '', 'infected=Evil.A', 'macro=Doc.M', 'suspicious=PUA.Toolbar', 'fail', 'partial'
Row = collections.namedtuple('Row', 'sender found to code gets status kept action rule')


def row(sender, found, to, code, gets='', status='', kept=None, action='', rule=''):
    return Row(sender, found, to, code, gets, status, kept, action, rule)


INFECTED = 'Infected (Evil.A)'
STRICTEST = [
    row('a@src.test', NOTHING, 'u', 250, 'u', 'Clean', action='pass'),
    row('a@src.test', NOTHING, 'uvw', 250, 'uvw', 'Clean', action='pass'),
    row('a@src.test', VIRUS, 'u', 550, action='reject'),
    row('a@src.test', MACRO, 'uv', 250, 'uv', 'Macro (Doc.M)', action='pass'),
    row('a@src.test', BROKEN, 'u', 451, action='tempfail'),
    row('a@src.test', PART, 'u', 550, action='reject'),
    row('lan@rule.test', VIRUS, 'uv', 250, 'uv', 'Skipped (policy)', action='pass', rule='lan'),
    row('vip@rule.test', VIRUS, 'v', 250, 'v', INFECTED, action='pass', rule='boss'),
    row('vip@rule.test', VIRUS, 'u', 550, action='reject'),
    row('vip@rule.test', VIRUS, 'uv', 550, action='reject'),
    row('a@src.test', PUA, 'u', 250, 'u', 'Suspicious (PUA.Toolbar)', action='pass', rule='unwanted'),
    row('a@src.test', (PUA, VIRUS), 'u', 550, action='reject'),
    row('a@src.test', (PUA, BROKEN), 'u', 451, action='tempfail'),
    row('store@rule.test', VIRUS, 'uv', 250, kept='uv', action='quarantine', rule='store'),
    row('store@rule.test', NOTHING, 'uv', 250, 'uv', 'Clean', action='pass'),
    row('drop@rule.test', VIRUS, 'uv', 250, action='discard', rule='drop'),
    row('later@rule.test', VIRUS, 'u', 451, action='tempfail', rule='later'),
    row('elsewhere@rule.test', VIRUS, 'uv', 250, 'p', INFECTED, action='redirect', rule='elsewhere'),
    row('elsewhere@rule.test', VIRUS, 'up', 250, 'p', INFECTED, action='redirect', rule='elsewhere'),
    row('elsewhere@rule.test', NOTHING, 'uv', 250, 'uv', 'Clean', action='pass'),
    row('two@rule.test', MACRO, 'w', 250, 'v', 'Macro (Doc.M)', action='redirect', rule='two'),
    row('two@rule.test', MACRO, 'vw', 250, 'v', 'Macro (Doc.M)', action='redirect', rule='two'),
    row('notw@rule.test', MACRO, 'uw', 250, 'u', 'Macro (Doc.M)', action='pass'),
    row('notw@rule.test', MACRO, 'w', 250, action='discard', rule='not-w'),
    row('notw@rule.test', VIRUS, 'uw', 550, action='reject'),
    row('x@strict.test', MACRO, 'u', 550, action='reject', rule='strict'),
    row('x@strict.test', NOTHING, 'u', 250, 'u', 'Clean', action='pass'),
    row('archive@rule.test', VIRUS, 'uv', 550, kept='uv', action='reject', rule='archive'),
    row('archive@rule.test', MACRO, 'u', 250, 'u', 'Macro (Doc.M)', kept='u', action='pass', rule='archive'),
    row('clean@rule.test', NOTHING, 'u', 250, 'p', 'Clean', action='redirect', rule='clean-too'),
    row('a@src.test', 'known', 'u', 250, 'u', 'Infected (Known.Sample)', action='pass', rule='sample'),
    row('symbol@rule.test', BROKEN, 'u', 250, 'u', 'Error (engine-error)', action='pass', rule='symbol'),
    row('symbol@rule.test', VIRUS, 'u', 550, action='reject'),
    row('over@rule.test', VIRUS, 'u', 550, action='reject'),
    row('trial@rule.test', VIRUS, 'u', 550, action='reject'),
    row('trial@rule.test', MACRO, 'u', 250, 'u', 'Macro (Doc.M)', action='pass'),
    row('wonly@rule.test', MACRO, 'uw', 250, kept='uw', action='quarantine', rule='w-only'),
    row('ulater@rule.test', MACRO, 'uv', 451, action='tempfail', rule='u-later'),
]
SPLIT = [
    row('a@src.test', VIRUS, 'uv', 550, action='reject'),
    row('vip@rule.test', VIRUS, 'uv', 250, 'v', INFECTED, kept='u', action='pass'),
    row('vip@rule.test', BROKEN, 'uvw', 250, 'v', 'Error (engine-error)', kept='uw', action='pass'),
    row('vip@rule.test', VIRUS, 'uw', 550, action='reject'),
    row('wonly@rule.test', MACRO, 'uvw', 250, 'uv', 'Macro (Doc.M)', kept='w', action='pass', rule='w-only'),
    row('wonly@rule.test', VIRUS, 'uw', 550, action='reject'),
    row('two@rule.test', MACRO, 'uw', 250, 'uv', 'Macro (Doc.M)', action='pass', rule='two'),
    row('two@rule.test', VIRUS, 'uw', 250, 'v', INFECTED, kept='u', action='redirect'),
    row('two@rule.test', VIRUS, 'vw', 250, 'v', INFECTED, kept='v', action='redirect'),
    row('ulater@rule.test', MACRO, 'uv', 250, 'v', 'Macro (Doc.M)', kept='u', action='pass', rule='u-later'),
    row('notw@rule.test', MACRO, 'vw', 250, 'v', 'Macro (Doc.M)', action='pass'),
]
USERS = {'u': 'u', 'v': 'v', 'w': 'w', 'p': 'postmaster'}
WORLD = {}


def world():
    """One avmilter, both MTAs."""
    if not WORLD:
        lists = rig.folder('lists')
        rig.write(lists + '/w', '# who gets nothing of these\nw@local.test\n')
        d = Daemon('av-policy', port=PORT)
        d.args = ['--test-engines']
        d.clamav = None
        d.more_engines = 'fake "fake" { scan_whole = false }\n'
        d.sections['antivirus'].update(redirect=q('postmaster@local.test'))
        d.sections['quarantine'] = {'directory': q(rig.folder('store', 0o700, 'nobody'))}
        d.sections['trust'] = {'clients': '{"198.51.100.0/24"}', 'skip_header': q('X-Seen'), 'skip_macro': q('{seen}')}
        d.more = RULES.replace('LISTS', lists).replace('KNOWN', hashlib.sha256(KNOWN).hexdigest())
        WORLD['d'] = d.start()
        WORLD['postfix'] = postfix.Postfix(d.postfix, name='pf-policy', port=2700).start()
        WORLD['sendmail'] = None
    return WORLD['d']


def mta(name):
    d = world()
    if WORLD[name] is None:
        WORLD[name] = sendmail.Sendmail(d.sendmail, name='sm-policy', port=2860).start()
    return WORLD[name]


@tap.on_failure
def logs():
    return '\n'.join(rig.tail(x, 25) for x in [WORLD['d'].output, WORLD['postfix'].log] +
                     ([WORLD['sendmail'].log] if WORLD['sendmail'] else [])) if WORLD else ''


def mail_of(found, name):
    if found == 'known':
        return mails.multipart([mails.TEXT, mails.part(KNOWN, name='sample.bin')], name)
    markers = [found] if isinstance(found, str) else found
    return mails.clean(name, body='Hello,\r\n' + ''.join('FAKE:%s\r\n' % m for m in markers if m))


def mailboxes(name):
    """{letter: [raw mails]}"""
    if name == 'postfix':
        return {l: [m.decode('latin-1') for m in WORLD[name].delivered(u)] for l, u in USERS.items()}
    return {l: WORLD[name].mailbox(u).split('\nFrom ') for l, u in USERS.items()}


def kept():
    """{Message-ID: [letters of the recipients whose copy lies in the store]}"""
    base, out = rig.WORK + '/store', {}
    for entry in os.listdir(base):
        if not os.path.exists('%s/%s/message' % (base, entry)):
            continue
        message = email.message_from_bytes(open('%s/%s/message' % (base, entry), 'rb').read())
        about = json.loads(rig.read('%s/%s/about.json' % (base, entry)))
        out[message['Message-ID']] = ''.join(sorted(r.strip('<>')[0] for r in about['recipients']))
    return out


def wanted_log(r):
    return {'action': r.action, 'rule': r.rule}


def play(name, rows):
    """Send all rows through that MTA, then look into every mailbox and the store."""
    d, m = world(), mta(name)
    sent = []
    for n, r in enumerate(rows):
        subject = '%s-%d-%d' % (name, len(rows), n)
        message = mail_of(r.found, subject)
        ident = re.search(rb'Message-ID: (\S+)', message).group(1).decode()
        reply = smtp.send(m.port, message, ['%s@local.test' % USERS[l] for l in r.to], r.sender)
        sent.append((r, ident, reply))
    bad = []
    for r, ident, reply in sent:
        if reply.code != r.code:
            bad.append('%s: answered %s' % (r, reply))
    lines = {line.get('msgid'): line for _, line in d.lines()}
    awaited = {(ident, l) for r, ident, reply in sent for l in r.gets}

    def arrived():
        boxes = mailboxes(name)
        return all(any(ident in mail for mail in boxes[l]) for ident, l in awaited)
    try:
        rig.wait_for(arrived, 15, 'delivery')
    except AssertionError:
        pass                            # the rows below say which
    if name == 'postfix':
        m.idle()
        tap.eq([x for x in m.queue() if x['queue_name'] != 'hold'], [], 'queue')
    boxes, store = mailboxes(name), kept()
    for r, ident, reply in sent:
        mine = {l: [mail for mail in mails_ if ident in mail] for l, mails_ in boxes.items()}
        gets = ''.join(l for l in 'uvwp' if mine[l])
        if gets != r.gets:
            bad.append('%s: delivered to %r' % (r, gets))
        for l in gets:
            status = re.findall(r'(?m)^X-Virus-Status: (.*?)\r?$', mine[l][0])
            if len(mine[l]) != 1 or status != [r.status]:
                bad.append('%s: %s has %d copies, status %r' % (r, l, len(mine[l]), status))
        if store.get(ident) != (''.join(sorted(r.kept)) if r.kept else None):
            bad.append('%s: in the store for %r' % (r, store.get(ident)))
        line = lines.get(ident, {})
        got = {'action': line.get('action'), 'rule': line.get('rule', '')}
        if got != wanted_log(r):
            bad.append('%s: log line says %s' % (r, line))
    tap.ok(not bad, '%d of %d rows:\n%s' % (len(bad), len(rows), '\n'.join(bad)))
    return sent, lines


def explain_words(*words):
    _, out, _ = rig.run([rig.program('avmilterctl'), '-s', world().dir + '/run/control.sock', '-j', 'explain'] + list(words),
                        check=True)
    return json.loads(out)


def explained(r):
    """avmilterctl's word on the same mail."""
    classes = {NOTHING: 'clean', VIRUS: 'infected', MACRO: 'macro', PUA: 'suspicious', BROKEN: 'error', PART: 'unscannable'}
    if r.found not in classes:
        return None
    argv = ['--from', r.sender, '--client', '127.0.0.1', '--class', classes[r.found]]
    if '=' in r.found:
        argv += ['--virus', r.found.split('=')[1]]
    for l in r.to:
        argv += ['--to', '%s@local.test' % USERS[l]]
    return explain_words(*argv)


def reload(**top):
    d = world()
    d.top.update(top)
    d.write_conf()
    n = len(re.findall(r'is in use', d.logged()))
    d.hup()
    d.wait_log('is in use', count=n + 1)


@tap.test('split = strictest on Postfix: %d rows, each mailbox' % len(STRICTEST))
def strictest_postfix():
    _, lines = play('postfix', STRICTEST)
    texts = [line for line in lines.values() if line.get('would')]
    tap.eq(sorted(l['would'] for l in texts), ['discard', 'discard'], 'would= of the trial')
    tap.ok(any(l.get('redirect') == 'postmaster@local.test' for l in lines.values()), 'redirect= in the log')
    tap.ok(any(l.get('sha256') == hashlib.sha256(KNOWN).hexdigest() for l in lines.values()), 'sha256= in the log')


@tap.test('the texts of rules reach the client')
def texts():
    pf = mta('postfix')
    reply = smtp.send(pf.port, mail_of(MACRO, 'text1'), sender='x@strict.test')
    tap.has(reply.text, '5.7.1 no macros: Doc.M')
    reply = smtp.send(pf.port, mail_of(VIRUS, 'text2'), sender='later@rule.test')
    tap.has(reply.text, '4.7.1 come again, infected')


@tap.test('an exception for a content holds for a mail that the cache knows as well')
def remembered():
    pf, d = mta('postfix'), world()
    codes = [smtp.send(pf.port, mail_of('known', 'again')).code for _ in range(3)]
    lines = [l for _, l in d.lines() if 'again@src.test' in l.get('msgid', '')]
    tap.eq(codes, [250] * 3)
    tap.eq([(l['rule'], l['sha256']) for l in lines], [('sample', hashlib.sha256(KNOWN).hexdigest())] * 3)
    tap.eq(lines[-1]['cache'], 'hit')


@tap.test('explain says what happened, and why not; stats counts the hits')
def explain():
    before = hits()
    for r in STRICTEST:
        x = explained(r)
        if x is None:
            continue
        if r.rule == 'lan':
            tap.eq((x['skipped'], x['rule']), ('policy', 'lan'))
            continue
        tap.eq((x['action'], x['rule'] or ''), (r.action, r.rule), 'explain for %s: %s' % (r, x))
        tap.eq(int(x['reply'][:3]), r.code, 'reply for %s: %s' % (r, x))
        tap.eq(len(x['recipients']), len(r.to), 'recipients')
    x = explained(row('over@rule.test', VIRUS, 'u', 0))
    tap.has([h for h in x['rules'] if h['rule'] == 'over'][0]['holds'], 'no: expires')
    tap.has([h for h in x['rules'] if h['rule'] == 'boss'][0]['holds'], 'no: senders')
    tap.eq(hits(), before, 'hits after questions')
    tap.ok(before['lan'] >= 1 and before['trial'] >= 2 and before['over'] == 0, 'hits: %s' % before)
    status, _, err = rig.run([rig.program('avmilterctl'), '-s', world().dir + '/run/control.sock', 'explain', '--nonsense', '1'])
    tap.eq(status, 2)
    tap.has(err, 'not understood')


def hits():
    _, out, _ = rig.run([rig.program('avmilterctl'), '-s', world().dir + '/run/control.sock', '-j', 'stats'], check=True)
    return json.loads(out)['rules']


@tap.test('authenticated, submitted and foreign clients are told apart')
def traffic():
    pf, d = mta('postfix'), world()
    smtp.AuthServer(pf.auth_port, {'me': 'secret'})
    client = smtp.Client(pf.submission_port)
    client.auth('me', 'secret')
    tap.eq(client.send(mail_of(VIRUS, 'auth1'), ['v@local.test'], 'vip@rule.test').code, 550, 'traffic = {mx}')
    tap.eq(client.send(mail_of(VIRUS, 'auth2'), ['v@local.test'], 'drop@rule.test').code, 550, 'authenticated = false')
    client.quit()
    tap.eq(smtp.send(pf.port, mail_of(VIRUS, 'lan'), sender='lan@rule.test', ADDR='203.0.113.9').code, 550, 'a client from outside')
    before = len(d.lines())
    # the sendmail command: the rule for traffic = {mx} is not for it
    pf.submit(mail_of(VIRUS, 'local'), 'vip@rule.test', 'v@local.test')
    rig.wait_for(lambda: len(d.lines()) > before, 10, 'the mail of the sendmail command')
    tap.eq(d.lines()[before][1]['action'], 'reject')
    tap.ok(not any(b'local@src.test' in m for m in pf.delivered('v')), 'delivered')


@tap.test('skip_header of a trusted client counts; of others it goes; skip_macro counts')
def trust():
    pf, d = mta('postfix'), world()

    def header(name, **kw):
        message = mails.clean(name, ['X-Seen: yes'], 'FAKE:macro=M\r\n')
        tap.eq(smtp.send(pf.port, message, **kw).code, 250)
        return pf.find(name + '@src.test')
    mail = header('trusted', ADDR='198.51.100.7')
    tap.eq((mail['X-Virus-Status'], mail['X-Seen']), ('Skipped (skip-header)', 'yes'))
    mail = header('stranger', ADDR='203.0.113.9')
    tap.eq((mail['X-Virus-Status'], mail['X-Seen']), ('Macro (M)', None))
    for value, status in (('1', 'Skipped (skip-macro)'), ('', 'Infected (Evil.A)')):
        m = milter.Milter(d.address)
        tap.has(m.symbols.decode('latin-1'), '{seen}', 'macros that are asked for')
        m.connect()
        m.mail('<store@rule.test>')
        m.macros('M', seen=value)
        m.rcpt('<u@local.test>')
        m.data('MACRO' + value)
        m.header('Subject', ' x')
        m.eoh()
        m.body(b'FAKE:infected=Evil.A\r\n')
        answer = m.eom()
        m.quit()
        if value:
            tap.eq((answer.code, answer.inserted().get('X-Virus-Status')), (milter.CONTINUE, [status]))
        else:
            tap.eq(answer.code, milter.DISCARD)


@tap.test('an MTA that lets us change no recipients gets 451, also for clean mail')
def no_rights():
    d = world()
    m = milter.Milter(d.address, actions=milter.ALL_ACTIONS & ~0x0c)
    m.connect()
    answer = m.message(mails.clean('rights'), queue_id='RIGHTS')
    tap.eq(answer.smtp(), 4, str(answer))
    line = d.line('RIGHTS')
    tap.eq((line['action'], line['why']), ('tempfail', 'effect'))
    tap.has(line['text'], 'adding recipients, removing recipients')
    m.quit()


@tap.test('split = strictest on sendmail: the same %d rows' % len(STRICTEST))
def strictest_sendmail():
    play('sendmail', STRICTEST)


@tap.test('split = quarantine on Postfix: %d rows' % len(SPLIT))
def split_postfix():
    reload(split='quarantine')
    _, lines = play('postfix', SPLIT)
    split = [l for l in lines.values() if l.get('split') == 'quarantine']
    tap.ok(split and all(l['action'] in ('pass', 'redirect') for l in split), 'split lines: %s' % split)
    tap.ok(any(l.get('withheld') == '<u@local.test>' for l in split), 'withheld= in the log: %s' % split)


@tap.test('split = quarantine on sendmail: the same rows')
def split_sendmail():
    play('sendmail', SPLIT)


@tap.test('a store that cannot be written: 451, nobody gets anything')
def no_store():
    pf = mta('postfix')
    os.chmod(rig.WORK + '/store', 0o500)
    try:
        reply = smtp.send(pf.port, mail_of(VIRUS, 'nostore'), ['u@local.test', 'v@local.test'], 'vip@rule.test')
        tap.eq(reply.code, 451, str(reply))
        pf.idle()
        tap.ok(not any(b'nostore@src.test' in m for u in 'uv' for m in pf.delivered(u)), 'delivered')
    finally:
        os.chmod(rig.WORK + '/store', 0o700)


@tap.test('mta_hold: the MTA holds the mail, without the recipients that are to get nothing')
def hold():
    pf, d = mta('postfix'), world()
    d.sections['quarantine']['mta_hold'] = 'true'
    d.more = ('policy "hold-u" { senders = {"hold@rule.test"} recipients = {"u@local.test"} action = quarantine }\n'
              'policy "drop-w" { senders = {"hold@rule.test"} action = discard }\n') + d.more
    reload(split='strictest')
    for to, rest in (('uw', ['u@local.test']), ('u', ['u@local.test'])):
        before = pf.held()
        reply = smtp.send(pf.port, mail_of(MACRO, 'hold-' + to), ['%s@local.test' % l for l in to], 'hold@rule.test')
        tap.eq(reply.code, 250, str(reply))
        rig.wait_for(lambda: len(pf.held()) > len(before), 10, 'the held mail')
        entry = [x for x in pf.queue() if x['queue_id'] in pf.held() and x['queue_id'] not in before][0]
        tap.eq(sorted(r['address'] for r in entry['recipients']), rest)
        tap.eq(d.line(entry['queue_id'])['action'], 'quarantine')


@tap.test('a changed list is read on HUP; a list that is gone leaves the rules as they are')
def lists():
    d, pf = world(), mta('postfix')
    rig.write(rig.WORK + '/lists/w', 'v@local.test\n')
    reload()
    tap.eq(smtp.send(pf.port, mail_of(MACRO, 'list1'), ['v@local.test'], 'notw@rule.test').code, 250)
    tap.eq(d.lines()[-1][1]['action'], 'discard')
    os.unlink(rig.WORK + '/lists/w')
    d.hup()
    d.wait_log('the configuration in use stays')
    tap.has(d.logged(), 'policy "not-w": recipients: ')
    smtp.send(pf.port, mail_of(MACRO, 'list2'), ['v@local.test'], 'notw@rule.test')
    tap.eq(d.lines()[-1][1]['action'], 'discard')
    status, _, err = rig.run(d.command('-n', '--test-engines'))
    tap.eq(status, 78, err)
    tap.has(err, '/lists/w')


EXAMPLES = {
    'exceptions': [
        ('--client 192.0.2.25 --from backup@example.org --class infected', 'pass', 'backup'),
        ('--client 192.0.2.26 --from backup@example.org --class infected', 'reject', ''),
        ('--client 192.0.2.1 --to lab@example.org --class suspicious --virus PUA.Tool', 'pass', 'laboratory'),
        ('--client 192.0.2.1 --to lab@example.org --class infected --virus Evil', 'reject', ''),
        ('--client 192.0.2.1 --to boss@example.org --class suspicious --virus PUA.Tool', 'reject', ''),
        ('--virus Win.Trojan.Agent-123', 'pass', 'false-positive'),
        ('--virus Win.Trojan.Agent-1234', 'reject', ''),
    ],
    'macros': [
        ('--client 192.0.2.1 --class macro --to a@example.org', 'quarantine', 'macros'),
        ('--client 192.0.2.1 --class macro --to accounts@example.org', 'pass', 'accountants'),
        ('--client 192.0.2.1 --class macro --to accounts@example.org --to a@example.org', 'pass', 'macros'),
        ('--client 192.0.2.1 --auth --class macro --to accounts@example.org', 'reject', 'own-users'),
    ],
    'errors': [
        ('--class error', 'pass', 'local'),
        ('--client 192.0.2.1 --class error', 'tempfail', ''),
        ('--client 192.0.2.1 --class infected --to trap@example.org', 'discard', 'spamtrap'),
        ('--client 192.0.2.1 --class encrypted --to a@example.org', 'pass', ''),
    ],
}


@tap.test('the examples of avmilter.conf(5) do what the manual says')
def examples():
    page = rig.read(rig.ROOT + '/man/avmilter.conf.5')
    found = dict(re.findall(r'(?s)\.\\" BEGIN EXAMPLE (\w+)\n\.nf\n\.RS\n(.*?)\.RE\n', page))
    tap.eq(sorted(found), sorted(EXAMPLES), 'examples in the manual')
    d = world()
    for name, text in found.items():
        d.more = text.replace('\\-', '-').replace('\\e', '\\')
        d.top.pop('split', None)
        reload()
        for words, action, rule in EXAMPLES[name]:
            x = explain_words(*words.split())
            tap.eq((x['action'], x['rule'] or ''), (action, rule), '%s: %s: %s' % (name, words, x))
            if name == 'errors' and 'encrypted' in words:
                tap.eq(x['would'], 'redirect')
            if words.count('--to') == 2:
                tap.eq(x['withheld'], ['a@example.org'])


tap.main()
