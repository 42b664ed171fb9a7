#!/usr/bin/python3
"""Metrics, status page, statistics of the engines, top"""
# run: timeout=120 san=address,thread
import base64
import fcntl
import hashlib
import html.parser
import http.client
import json
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, prom, rig, tap
from lib.avmilter import Daemon, q

D, BEFORE = [], {}
PORT, OTHER = 9190, 9191


def daemon():
    """It has seen two equal clean mails and a virus; BEFORE are its metrics before that."""
    if not D:
        d = Daemon()
        d.sections['control']['http'] = q('127.0.0.1:%d' % PORT)
        d.more_engines = '\tfake "second" { }\n'
        d.more = 'policy "both kinds" { classes = {infected} action = reject }\n'
        d.args = ['--test-engines']
        D.append(d.start())
        BEFORE.update(prom.parse(get('/metrics')[2]))
        for _ in range(2):
            milter.talk(d.address, mails.clean())
        milter.talk(d.address, mails.eicar_plain())
    return D[0]


@tap.on_failure
def logs():
    return rig.tail(D[0].output, 40) if D else ''


def get(path, method='GET', port=PORT, headers=None, host='127.0.0.1'):
    """(status, headers, body)"""
    c = http.client.HTTPConnection(host, port, timeout=20)
    c.request(method, path, headers=headers or {})
    r = c.getresponse()
    body = r.read().decode('utf-8')
    c.close()
    return r.status, dict(r.getheaders()), body


def metrics():
    status, headers, body = get('/metrics')
    tap.eq((status, headers['Content-Type']), (200, 'text/plain; version=0.0.4; charset=utf-8'))
    return prom.parse(body)


def ctl(*args, **kw):
    return rig.run([rig.program('avmilterctl'), '-s', daemon().dir + '/run/control.sock'] + list(args), **kw)


def ask(*args):
    status, out, err = ctl('-j', *args)
    tap.eq(status, 0, out + err)
    return json.loads(out)


@tap.test('the strict reader of the text format is strict')
def strict():
    good = '# HELP a_total x\n# TYPE a_total counter\na_total{l="v\\"\\\\"} 1\n'
    tap.eq(prom.value(prom.parse(good), 'a_total', l='v"\\'), 1)
    for bad in (good[:-1], good + 'a_total{l="v\\"\\\\"} 1\n', good.replace('counter', 'counts'), good.replace('\\"', '"'),
                good.replace(' 1\n', ' one\n'), good + 'b_total 1\n', good.replace('_total', ''),
                '# HELP h x\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n'):
        try:
            prom.parse(bad)
        except prom.Bad:
            continue
        raise AssertionError('accepted: ' + bad)


@tap.test('/metrics counts what was done: messages, objects, times, cache')
def counts():
    daemon()
    tap.eq(prom.value(BEFORE, 'avmilter_messages_total', **{'class': 'clean', 'action': 'pass'}), 0)
    tap.eq(prom.value(BEFORE, 'avmilter_eom_seconds_count'), 0)
    m = metrics()
    tap.eq(prom.value(m, 'avmilter_messages_total', **{'class': 'clean', 'action': 'pass'}), 2)
    tap.eq(prom.value(m, 'avmilter_messages_total', **{'class': 'infected', 'action': 'reject'}), 1)
    tap.eq(prom.value(m, 'avmilter_eom_seconds_count'), 3)
    tap.eq(prom.value(m, 'avmilter_eom_seconds_bucket', le='+Inf'), 3)
    tap.ok(0 < prom.value(m, 'avmilter_eom_seconds_sum') < 60, 'time of the messages')
    tap.ok(prom.value(m, 'avmilter_objects_total', engine='clamav', result='clean') >= 1, 'clean objects')
    tap.ok(prom.value(m, 'avmilter_objects_total', engine='clamav', result='infected') >= 1, 'infected objects')
    tap.ok(prom.value(m, 'avmilter_objects_total', engine='second', result='clean') >= 1, 'objects of the second engine')
    tap.ok(prom.value(m, 'avmilter_scan_seconds_count', engine='clamav') >= 2, 'scans')
    tap.eq(prom.value(m, 'avmilter_engine_up', engine='clamav', server='embedded'), 1)
    tap.eq(prom.value(m, 'avmilter_cache_lookups_total', tier='memory', level='message', result='hit'), 1)
    tap.eq((prom.value(m, 'avmilter_queue_length'), prom.value(m, 'avmilter_spool_bytes')), (0, 0))
    tap.eq(prom.value(m, 'avmilter_unscanned_delivered_total'), 0)
    tap.eq(prom.value(m, 'avmilter_rule_hits_total', rule='both kinds'), 1)
    tap.eq(prom.value(m, 'avmilter_events_total', kind='startup'), 1)
    tap.eq(prom.value(m, 'avmilter_worker_restarts_total', cause='crashed'), 0)
    tap.ok(prom.value(m, 'avmilter_threadpool_places', pool='IO') > 0, 'threadpool IO')
    tap.ok(prom.value(m, 'avmilter_ready') == 1, 'ready')


@tap.test('promtool finds nothing to remark')
def promtool():
    daemon()
    tool = shutil.which('promtool')
    if not tool:
        raise tap.Skip('promtool is not installed (scripts/install-deps test)')
    status, out, err = rig.run([tool, 'check', 'metrics'], stdin=get('/metrics')[2].encode())
    tap.eq((status, out + err), (0, ''))


@tap.test("contrib/grafana: every metric and label that the dashboard asks for exists, and Prometheus understands each question")
def grafana():
    daemon()
    names, m = {}, metrics()
    for kind, _, samples in m.values():
        for name, ls in samples:
            names.setdefault(name, set()).update(label for label, _ in ls)
    with open(rig.ROOT + '/contrib/grafana/avmilter.json') as f:
        dashboard = json.load(f)
    asked = [t['expr'] for p in dashboard['panels'] for t in p['targets']]
    tap.ok(len(asked) > 20 and len({p['id'] for p in dashboard['panels']}) == len(dashboard['panels']), asked)
    for expr in asked:
        found = re.findall(r'(avmilter_\w+)\{([^}]*)\}', expr)
        tap.ok(found and len(found) == expr.count('avmilter_'), expr)
        for name, matchers in found:
            tap.ok(name in names, name)
            labels = set(re.findall(r'(\w+)(?:=~|!~|!=|=)"', matchers)) | \
                {x for by in re.findall(r'by \(([^)]*)\)', expr) for x in by.split(', ')}
            tap.eq(labels - names[name] - {'instance'}, set(), expr)
    tool = shutil.which('promtool')
    if not tool:
        raise tap.Skip('names are right; promtool, which knows the language, is not installed (scripts/install-deps test)')
    rules = ''.join('  - record: r%d\n    expr: %s\n' % (i, json.dumps(e.replace('$instance', '.*')))
                    for i, e in enumerate(asked))
    path = rig.write(rig.WORK + '/rules.yml', 'groups:\n- name: dashboard\n  rules:\n' + rules)
    status, out, err = rig.run([tool, 'check', 'rules', path])
    tap.eq(status, 0, out + err)


@tap.test('the manual names exactly the metrics that there are')
def manual():
    daemon()
    text = rig.read(rig.ROOT + '/man/avmilterctl.8')
    part = text[text.index('BEGIN metrics'):text.index('END metrics')]
    tap.eq(['avmilter_' + n for n in re.findall(r'(?m)^\.BR (\w+) ', part)], list(metrics()))


@tap.test('stats: a table for each engine, in the form of the seed; the same as JSON')
def stats():
    st = ask('stats')
    e = st['engines']['clamav']
    tap.eq((e['messages_checked'], e['viruses_detected'], e['viruses_cured'], e['failures']), (3, 1, 0, 0))
    tap.ok(e['parts_checked'] >= 2 and e['average_ms_per_part'] > 0, e)
    tap.eq(st['engines']['second']['viruses_detected'], 0)
    tap.eq((st['queue']['waiting'], st['spool_bytes']), (0, 0))
    tap.eq(st['queue']['threadpools']['IO']['inside'], 0)
    status, out, err = ctl('stats')
    tap.eq(status, 0, err)
    table = re.search(r'(?m)^clamav\n((?:  .*\n)+)', out)
    tap.ok(table, out)
    for line in (r'Messages checked: +3', r'MIME parts checked: +\d+', r'Viruses detected: +1', r'Viruses cured: +0',
                 r'Failures: +0', r'Avg\. time/message +\d+\.\d{3}ms', r'Avg\. time/MIME part +\d+\.\d{3}ms'):
        tap.ok(re.search(r'(?m)^  %s$' % line, table.group(1)), line + ' in\n' + table.group(1))


@tap.test('a virus that action repair took out of a mail is cured, of this engine and of all')
def cured():
    d = Daemon('cure')
    d.sections['antivirus'].update(on_infected=q('repair'))
    d.start()
    answer = milter.talk(d.address, mails.eicar_zip())
    tap.eq((answer.smtp(), d.lines()[0][1]['action']), (2, 'repair'), rig.tail(d.output))
    status, out, err = rig.run([rig.program('avmilterctl'), '-s', d.dir + '/run/control.sock', '-j', 'stats'])
    st = json.loads(out)
    tap.eq((st['viruses_detected'], st['viruses_cured'], st['engines']['clamav']['viruses_cured']), (1, 1, 1))
    tap.eq(d.stop(), 0, 'exit status')


@tap.test('/status is the overview as JSON')
def status_page():
    daemon()
    status, headers, body = get('/status')
    tap.eq((status, headers['Content-Type']), (200, 'application/json'))
    o = json.loads(body)
    tap.eq((o['status']['serving'], o['stats']['messages_checked']), (True, 3))
    tap.eq(sorted(e['title'] for e in o['engines']), ['clamav', 'second'])
    slots = o['history']['slots']
    tap.eq((len(slots), len(slots[0])), (24 * 6, len(o['history']['kinds'])))
    tap.eq(sum(map(sum, slots)), 3, 'messages of the last 24 hours')
    f = o['history']['findings']
    tap.eq([(x['class'], x['action'], x['name'], x['engine']) for x in f],
           [('infected', 'reject', mails.EICAR_NAME + '.UNOFFICIAL', 'clamav')])


class Tags(html.parser.HTMLParser):
    """The tags of a page; complains of those that are not closed, and of whatever could load or run something."""
    OPEN = ('meta', 'link', 'th')           # th: its end is implied

    def __init__(self, text):
        super().__init__()
        self.stack, self.seen, self.text = [], [], ''
        self.feed(text)
        self.close()
        tap.eq(self.stack, [], 'tags that are not closed')

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        for name, value in attrs:
            tap.ok(not name.startswith('on') and name not in ('src', 'style') and 'script' not in value,
                   '%s %s=%s' % (tag, name, value))
        if tag not in self.OPEN:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append(tag)

    def handle_endtag(self, tag):
        tap.eq(self.stack.pop(), tag, 'tag that ends')

    def handle_data(self, data):
        self.text += data


@tap.test('/ is one page that needs nothing else: well formed, no script, a policy that allows its own style only')
def page():
    daemon()
    status, headers, body = get('/')
    tap.eq((status, headers['Content-Type']), (200, 'text/html; charset=utf-8'))
    t = Tags(body)
    for tag in ('script', 'iframe', 'object', 'img', 'form'):
        tap.ok(tag not in t.seen, tag)
    for part in ('serving', 'clamav', 'second', mails.EICAR_NAME, 'Result cache', 'Threadpools', 'both kinds'):
        tap.has(t.text, part)
    tap.ok('svg' in t.seen and t.seen.count('rect') >= 5 + 3, 'picture')
    style = base64.b64encode(hashlib.sha256(re.search('<style>(.*)</style>', body, re.S).group(1).encode()).digest()).decode()
    policy = headers['Content-Security-Policy']
    tap.ok(policy.startswith("default-src 'none'; style-src 'sha256-%s';" % style) and 'unsafe' not in policy, policy)


@tap.test('nothing but GET and HEAD, and nothing but its pages; every answer forbids what a browser could be made to do')
def only():
    daemon()
    for path in ('/', '/metrics', '/status'):
        status, headers, body = get(path, 'HEAD')
        tap.eq((status, body), (200, ''), 'HEAD ' + path)
        tap.ok(int(headers['Content-Length']) > 100, 'length of ' + path)
    for method in ('POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'BREW'):
        status, headers, _ = get('/metrics', method)
        tap.eq((status, headers['Allow']), (405, 'GET, HEAD'), method)
    for path in ('/etc/passwd', '/../etc/passwd', '//metrics', '/metrics/', '/%2e%2e/', '*'):
        status, headers, _ = get(path)
        tap.eq((status, "default-src 'none'" in headers['Content-Security-Policy']), (404, True), path)
        tap.eq((headers['X-Content-Type-Options'], headers['Cache-Control']), ('nosniff', 'no-store'))
    tap.eq(get('/metrics?x=y')[0], 200)
    for name, want in (('evil.example:%d' % PORT, 421), ('localhost:%d' % PORT, 200), ('[::1]:1', 200), ('127.0.0.1', 200)):
        tap.eq(get('/metrics', headers={'Host': name})[0], want, 'Host: ' + name)


@tap.test('requests that are too large or broken, and more connections than there are places, hurt nobody for long')
def hostile():
    d = daemon()
    for raw in (b'GET / HTTP/1.1\r\nX: ' + b'a' * 100000, b'\0' * 1000 + b'\r\n\r\n', b'GET\r\n\r\n',
                b'GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99999999\r\n\r\n' + b'x' * 1000):
        with socket.create_connection(('127.0.0.1', PORT), timeout=20) as s:
            try:
                s.sendall(raw)
                s.shutdown(socket.SHUT_WR)
                while s.recv(65536):
                    pass
            except OSError:
                pass
    crowd = [socket.create_connection(('127.0.0.1', PORT), timeout=20) for _ in range(40)]
    for s in crowd[:20]:
        try:
            s.sendall(b'GET /metr')
        except OSError:         # beyond the places: closed at once
            pass
    tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2, 'mail meanwhile')
    for s in crowd:
        s.close()
    rig.wait_for(answers, 20, 'an answer after the crowd')


def answers(port=PORT):
    try:
        return get('/metrics', port=port)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


class Terminal:
    """avmilterctl top in a terminal of this size."""

    def __init__(self, columns, rows):
        self.master, self.slave = os.openpty()
        self.size(columns, rows)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            [rig.program('avmilterctl'), '-s', daemon().dir + '/run/control.sock', 'top'], stdin=self.slave,
            stdout=self.slave, stderr=self.slave, start_new_session=True, env=dict(os.environ, LC_ALL='C.UTF-8'))
        self.seen = ''

    def size(self, columns, rows):
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))

    def read(self, seconds=0.1):
        while select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536).decode('utf-8', 'replace')
        return self.seen

    def wait(self, pattern):
        rig.wait_for(lambda: re.search(pattern, self.read()), 20, '/%s/ in %r' % (pattern, self.seen[-2000:]))

    def screens(self):
        """Lines of each complete screen, without sequences."""
        return [re.sub('\x1b\\[[?0-9]*[A-Za-z]|\r', '', s.split('q quits')[0]).split('\n')
                for s in self.seen.split('\x1b[H')[1:] if 'q quits' in s]

    def end(self):
        """Exit status; the terminal is as it was."""
        status = self.process.wait(20 * rig.SLOW)
        self.read()
        tap.eq(termios.tcgetattr(self.slave), self.before, 'settings of the terminal')
        tap.ok(self.seen.endswith('\x1b[?7h\x1b[?25h\x1b[?1049l'), 'the screen is given back: %r' % self.seen[-60:])
        os.close(self.master)
        os.close(self.slave)
        return status


@tap.test('top lives in a terminal: counts go on, the window may change, q and signals give the terminal back')
def top():
    d = daemon()
    t = Terminal(110, 40)
    t.wait('q quits')
    n = ask('stats')['messages_checked']
    milter.talk(d.address, mails.clean())
    t.wait(r'messages %d \(0\.\d/s\)' % (n + 1))
    for part in ('avmilter', 'serving', 'ENGINE', 'clamav', 'second', mails.EICAR_NAME, '\u2588'):
        tap.has(t.seen, part)
    tap.ok(all(len(line) <= 110 for s in t.screens() for line in s), 'a line is too long')
    t.seen = ''
    t.size(50, 8)
    os.kill(t.process.pid, signal.SIGWINCH)
    t.wait('q quits')
    small = t.screens()[-1]
    tap.ok(len(small) <= 8 and all(len(line) <= 50 for line in small), small)
    os.write(t.master, b'xq')
    tap.eq(t.end(), 0)
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        t = Terminal(80, 24)
        t.wait('q quits')
        os.kill(t.process.pid, sig)
        tap.eq(t.end(), 0, sig)
    t = Terminal(1, 1)
    t.wait('q quits')
    os.write(t.master, b'\x03')
    tap.eq(t.end(), 0)


@tap.test('top without a terminal shows it once, -j is the overview')
def top_once():
    status, out, err = ctl('top')
    tap.eq((status, err), (0, ''))
    tap.has(out, 'clamav')
    tap.hasnt(out, '\x1b')
    tap.eq(sorted(ask('top')), sorted(json.loads(get('/status')[2])))
    tap.eq(ctl('top', 'more')[0], 2, 'an argument too many')


@tap.test('stats reset begins anew, the picture of the day stays')
def reset():
    before = sum(map(sum, ask('top')['history']['slots']))
    ask('stats', 'reset')
    m = metrics()
    tap.eq((prom.value(m, 'avmilter_eom_seconds_count'), prom.value(m, 'avmilter_scan_seconds_count', engine='clamav')), (0, 0))
    tap.eq(sum(map(sum, json.loads(get('/status')[2])['history']['slots'])), before)


@tap.test('a reload moves it to another address, lets nobody in whom http_allow does not name, and turns it off')
def reload():
    d = daemon()

    def change(value, allow, log):
        n = len(re.findall(log, d.logged()))
        d.sections['control'].update(http=value, http_allow=allow)
        d.write_conf()
        d.hup()
        d.wait_log(log, count=n + 1)

    change(q('127.0.0.1:%d' % OTHER), '{}', r'http://127\.0\.0\.1:%d/' % OTHER)
    tap.ok(answers(OTHER) and not answers(PORT), 'moved')
    tap.eq(prom.value(prom.parse(get('/metrics', port=OTHER)[2]), 'avmilter_events_total', kind='startup'), 1)
    change(q('127.0.0.1:%d' % OTHER), '{"10.0.0.0/8"}', r'configuration \d+ of .* is in use')
    tap.ok(not answers(OTHER), 'a client that is not allowed is let in')
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(('127.0.0.1', PORT))
        taken.listen(1)
        change(q('127.0.0.1:%d' % PORT), '{}', r'no metrics and no status page: .*cannot listen there: Address already in use')
        tap.eq(milter.talk(d.address, mails.clean()).smtp(), 2, 'mail without the page')
    change(q('0.0.0.0:%d' % PORT), '{"127.0.0.0/8"}', r'control\.http is not a loopback address')
    rig.wait_for(answers, 10, 'an answer on every address')
    threads = d.threads()
    change('""', '{}', r'configuration \d+ of .* is in use')
    rig.wait_for(lambda: d.threads() == threads - 1 and not answers(PORT), 10, 'the thread of the pages has ended')


@tap.test('the daemon ends in good order with a reader connected')
def end():
    d = daemon()
    d.sections['control'].update(http=q('127.0.0.1:%d' % PORT), http_allow='{}')
    d.write_conf()
    d.hup()
    rig.wait_for(answers, 10, 'pages again')
    with socket.create_connection(('127.0.0.1', PORT), timeout=20) as s:
        s.sendall(b'GET /met')
        tap.eq(d.stop(), 0, 'exit status')
        tap.eq(s.recv(100), b'')


tap.main()
