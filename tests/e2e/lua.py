#!/usr/bin/python3
"""The policy script: hooks, scans on demand, bounds, reload; no message passes because a script broke"""
# run: timeout=240 san=address
import os
import re
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, q

rig.isolate()
SCRIPT = rig.WORK + '/policy.lua'
ENGINES = '\tfake "fake" { }\n\tfake "second" { enabled = passive }\n'
av = Daemon(db=False)
av.clamav['enabled'] = 'false'
av.more_engines = ENGINES
av.args = ['--test-engines']
av.sections['lua'] = {'script': q(SCRIPT), 'time_max': '500ms', 'memory_max': '8M'}
av.sections['quarantine'] = {'directory': q(rig.folder('quarantine', owner='nobody'))}
av.sections['antivirus']['redirect'] = q('postmaster@example.net')
EMPTY = 'function on_verdict(msg, verdict) end\n'
tap.on_failure(lambda: av.events())
number = 0


def load(script, text=None):
    """Take a script into use."""
    rig.write(SCRIPT, script)
    if not av.process or not av.process.alive():
        av.start(ready=False)
        return
    before = av.logged().count('is in use')
    av.hup()
    av.wait_log('is in use', 20, before + 1)


def send(body, sender='<a@src.test>', rcpts=('<u@local.test>',), whole=None):
    """(Answer, log line) of one mail."""
    global number
    number += 1
    qid = 'L%d' % number
    message = whole if whole is not None else mails.join(mails.headers(extra=('X-Number: %d' % number,)), body.encode() + b'\r\n')
    answer = milter.talk(av.address, message, qid, sender=sender, rcpts=rcpts)
    return answer, av.line(qid)


def status(answer):
    return answer.inserted().get('X-Virus-Status', [])


@tap.test('on_verdict: nil leaves it to the configuration, any action is carried out, with a text of its own')
def actions():
    load('''
        function on_verdict(msg, v)
            local want = msg:header("X-Want")
            if want then return want, msg:header("X-Text") end
        end''')

    def ask(body, want=None, text=None):
        extra = ['X-Number: %s' % time.monotonic()] + (['X-Want: ' + want] if want else []) + (['X-Text: ' + text] if text else [])
        return send('', whole=mails.join(mails.headers(extra=extra), body + b'\r\n'))

    answer, line = ask(b'hello')
    tap.eq((answer.smtp(), line['verdict'], line['action'], status(answer)), (2, 'clean', 'pass', ['Clean']))
    answer, line = ask(b'FAKE:infected=Evil.A')
    tap.eq((answer.smtp(), line['verdict'], line['action']), (5, 'infected', 'reject'))
    answer, line = ask(b'FAKE:infected=Evil.A', 'pass')
    tap.eq((answer.smtp(), line['verdict'], line['action'], status(answer)), (2, 'infected', 'pass', ['Infected (Evil.A)']))
    tap.eq(line['rule'], 'script')
    answer, line = ask(b'hello', 'reject', 'not today, %{sender} 100%')
    tap.eq((answer.smtp(), line['verdict'], line['action']), (5, 'clean', 'reject'))
    tap.has(repr(answer), 'not today')
    answer, line = ask(b'hello', 'reject')
    tap.has(repr(answer), 'Message rejected by local policy')
    answer, line = ask(b'hello', 'tempfail')
    tap.eq((answer.smtp(), line['action']), (4, 'tempfail'))
    for want in ('discard', 'quarantine'):
        answer, line = ask(b'hello', want)
        tap.eq((answer.smtp(), line['action']), (2, want), want)
        tap.eq(answer.code, milter.DISCARD, want)
    answer, line = ask(b'hello', 'redirect')
    tap.eq((answer.smtp(), line['action']), (2, 'redirect'))
    tap.has(repr(answer), 'postmaster@example.net')
    answer, line = ask(b'hello', 'redirect', 'boss@example.org')
    tap.has(repr(answer), 'boss@example.org')


@tap.test('what failed can only be treated more strictly')
def failed():
    load('function on_verdict(msg, v) return msg:header("X-Want") end')
    for want, smtp, action in (('pass', 4, 'tempfail'), ('tempfail', 4, 'tempfail'), ('reject', 5, 'reject')):
        answer, line = send('', whole=mails.join(mails.headers(extra=['X-Want: ' + want]), b'FAKE:fail\r\n'))
        tap.eq((answer.smtp(), line['verdict'], line['action']), (smtp, 'error', action), want)
    answer, line = send('', whole=mails.join(mails.headers(extra=['X-Want: pass']), b'FAKE:partial\r\n'))
    tap.eq((answer.smtp(), line['verdict'], status(answer)[0][:11]), (2, 'unscannable', 'Unscannable'))


@tap.test('on_message: skip, by return value and by the context variable')
def skip():
    load('''
        function on_message(msg)
            if msg.sender == "list@src.test" then return "skip" end
            if msg.sender == "two@src.test" then msg:context_set("skip_virus_check", "yes") end
        end''')
    tap.eq(send('FAKE:infected=Evil.A')[1]['verdict'], 'infected')
    for sender in ('<List@src.test>', '<two@src.test>'):
        answer, line = send('FAKE:infected=Evil.A', sender)
        tap.eq((answer.smtp(), line['verdict'], status(answer)), (2, 'skipped', ['Skipped (context)']), sender)


@tap.test('the views: envelope, headers, objects, findings; nothing in them can be changed')
def views():
    load('''
        local function try(what, f)
            local ok, why = pcall(f)
            assert(not ok and tostring(why):find("read only"), what .. " was changed")
        end
        function on_verdict(msg, v)
            assert(msg.sender == "a@src.test" and #msg.recipients == 2 and msg.recipients[2] == "w@local.test")
            assert(msg.client.addr == "192.0.2.7" and msg.client.helo == "client.test")
            assert(msg:header("subject") == "views" and msg:header("none") == nil and msg.subject == "views")
            local names = {}
            for _, h in ipairs(msg.headers) do names[#names + 1] = h.name end
            assert(table.concat(names, " "):find("Subject"))
            local parts = assert(msg:parts())
            for i, p in ipairs(parts) do av.log("part " .. p.path .. " " .. tostring(p.name) .. " " .. tostring(p.type) .. " " .. p.size) end
            assert(parts[2].name == "a.bin" and parts[2].type == "application/octet-stream" and parts[2].size == 22, parts[2].size)
            assert(#parts[2].sha256 == 64 and parts[2].path == "2")
            assert(v.class == "infected" and not v.clean and v.name == "Evil.B" and v.state == "complete")
            assert(#v.findings >= 1 and v.findings[1].engine == "fake" and v.findings[1].name == "Evil.B")
            assert(v.classes.infected and v.engines.fake.class == "infected")
            try("msg", function() msg.sender = "x" end)
            try("method", function() msg.header = 1 end)
            try("recipients", function() msg.recipients[1] = "x" end)
            try("finding", function() v.findings[1].name = "x" end)
            try("av", function() av.CLEAN = 1 end)
            local n = 0
            for k in pairs(msg.client) do n = n + 1 end
            assert(n >= 4)
            return "pass"
        end''')
    parts = [mails.part(b'some text\r\n', 'text/plain'), mails.part(b'FAKE:infected=Evil.B\r\n', name='a.bin')]
    answer, line = send('', whole=mails.multipart(parts, 'views'), rcpts=('<u@local.test>', '<w@local.test>'))
    tap.eq((answer.smtp(), line['verdict'], line['action'], line.get('why')), (2, 'infected', 'pass', None))


@tap.test('av.scan and av.scan_part: four values, every state; engines() names the passive one too')
def scans():
    load('''
        local function show(...) return table.concat({...}, "|") end
        local function of(...)
            local t = table.pack(...)
            for i = 1, 4 do t[i] = tostring(t[i]) end
            return show(t[1], t[2], t[3], t[4])
        end
        function on_message(msg)
            local parts = assert(msg:parts())
            local out = { show(table.unpack(av.engines())) }
            out[#out + 1] = of(av.scan(("x"):rep(41)))
            out[#out + 1] = of(av.scan("nobody"))
            out[#out + 1] = of(av.scan_part(msg))
            for i, p in ipairs(parts) do out[#out + 1] = of(av.scan_part(p, "second")) end
            out[#out + 1] = of(av.scan("second"))
            out[#out + 1] = of(msg:context_get("second_status"), msg:context_get("second_status_info"))
            for i, line in ipairs(out) do av.log("scan " .. i .. ": " .. line) end
        end''')
    texts = [b'hello', b'FAKE:infected=Evil.C', b'FAKE:partial', b'FAKE:fail', b'FAKE:encrypted=Locked']
    send('', whole=mails.multipart([mails.part(t, name='%d.bin' % i) for i, t in enumerate(texts)], 'scans'))
    said = re.findall(r'script policy.lua: scan \d+: (.*)', av.logged())
    tap.eq(said[0], 'fake|second')
    tap.eq([s.split('|')[0] for s in said[1:4]], ['6', '5', '4'])
    tap.eq(said[4], '0|nil|nil|nil')
    tap.eq(said[5], '1|Evil.C|second|infected')
    tap.eq([s.split('|')[0] for s in said[6:9]], ['2', '3', '2'], said[6:9])
    whole, variables = said[-2].split('|'), said[-1].split('|')
    tap.eq((whole[0], whole[2]), ('1', 'second'))
    tap.eq(variables[1], 'Evil.C')


@tap.test('a passive engine is asked by script only, and what it finds counts')
def passive():
    load(EMPTY)
    tap.eq(send('FAKE:macro=Doc.M')[1]['engine'], 'fake')
    load('''
        function on_message(msg)
            if msg.sender == "ask@src.test" then
                local status, info = av.scan("second")
                msg:context_set("seen", status .. " " .. info)
            end
        end
        function on_verdict(msg, v)
            if msg:context_get("seen") == av.INFECTED .. " Evil.D" then return "reject", "second: " .. msg:context_get("second_status_info") end
        end''')
    answer, line = send('FAKE:infected=Evil.D', '<ask@src.test>')
    tap.eq((answer.smtp(), line['action']), (5, 'reject'))
    tap.has(repr(answer), 'second: Evil.D')
    tap.eq(send('hello', '<ask@src.test>')[0].smtp(), 4)  # nil cannot be appended: an error, never a pass


@tap.test('what the filters of an engine leave out whole is neither clean nor an error, and counts for nothing')
def left_out():
    av.more_engines = '\tfake "fake" { }\n\tfake "second" { enabled = passive scan_whole = false extension_list = ".exe" }\n'
    av.write_conf()
    load('''
        function on_message(msg)
            local status, info, engine, code = av.scan("second")
            av.log("left out: " .. status .. " " .. tostring(code))
        end''')
    preamble = b'This is a multi-part message in MIME format.\r\n\r\n'  # is an object, and has no name to leave it out by
    answer, line = send('', whole=mails.multipart([mails.part(b'hello', name='a.txt')], 'filters').replace(preamble, b''))
    tap.has(av.logged(), 'left out: 2 filters')
    tap.eq((answer.smtp(), line['verdict'], status(answer)), (2, 'clean', ['Clean']))
    answer, line = send('', whole=mails.multipart([mails.part(b'FAKE:infected=Evil.F', name='a.exe')], 'filters'))
    tap.eq((answer.smtp(), line['verdict']), (5, 'infected'))
    av.more_engines = ENGINES
    av.write_conf()


@tap.test('a script that prints while it is loaded, or refuses globals that are not there, is one like any other')
def habits():
    load('''
        print("loaded")
        av.log("once more")
        setmetatable(_G, { __index = function(_, name) error("no global " .. name) end })
        setmetatable({}, { __gc = function() print("ends") end })
        function on_verdict(msg, v) return "reject", "strict" end''')
    for text in ('loaded', 'once more', 'ends'):
        tap.has(av.logged(), 'script policy.lua: ' + text)
    tap.has(repr(send('hello')[0]), 'strict')


@tap.test('a script that has other functions each time it is loaded lets no mail pass by the ones that are missing')
def fickle():
    script = '''
        function on_message(msg) end
        if math.random() < 0.5 then
            function on_verdict(msg, v) return "reject", "fickle" end
        end'''
    load(script)
    while send('hello')[0].smtp() == 2:  # what holds is what the first process has
        load(script)
    for _ in range(12):
        answer, line = send('hello')
        tap.ok(answer.smtp() in (4, 5), line)
        for pid in script_processes():
            os.kill(pid, signal.SIGKILL)
        rig.wait_for(lambda: not script_processes(), 10, 'the end of the script process')


@tap.test('on_recipient: each has an outcome of his own')
def recipients():
    av.top['split'] = q('quarantine')
    av.write_conf()
    load('''
        function on_recipient(msg, rcpt, v)
            if rcpt == "w@local.test" then return "discard" end
            if rcpt == "x@local.test" then return "redirect", "boss@example.org" end
        end''')
    answer, line = send('hello', rcpts=('<u@local.test>', '<w@local.test>', '<x@local.test>'))
    tap.eq((answer.smtp(), line['verdict']), (2, 'clean'))
    shown = repr(answer)
    for part in ('<w@local.test>', '<x@local.test>', 'boss@example.org'):
        tap.has(shown, part)
    del av.top['split']
    av.write_conf()


FAILURES = [
    ('an error', 'function on_verdict(m, v)\n\n\tlocal x = nil .. "a"\nend', r'policy.lua:3: attempt to concatenate a nil value'),
    ('an error object', 'function on_verdict(m, v)\n\terror({})\nend', r'policy.lua: table'),
    ('a wrong return value', 'x = 1\nfunction on_verdict(m, v) return 42 end', r'policy.lua:2: on_verdict returned 42; it returns nil, or reject'),
    ('a word that is no action', 'function on_verdict(m, v) return "accept" end', r'policy.lua:1: on_verdict returned accept;'),
    ('repair', 'function on_verdict(m, v) return "repair" end', r'policy.lua:1: on_verdict returned repair;'),
    ('true from on_message', 'function on_message(m) return true end', r'policy.lua:1: on_message returned true; it returns nil or'),
    ('a redirect to nowhere', 'function on_verdict(m, v) return "redirect", "x y" end', r'policy.lua:1: redirect needs an address'),
    ('a runaway loop', 'function on_verdict(m, v)\n\twhile true do end\nend', r'policy.lua:2: time_max = 500 ms is used up'),
    ('a runaway loop that catches its end', 'function on_verdict(m, v)\n\twhile true do pcall(function() while true do end end) end\nend',
     r'the script was killed: time_max = 500 ms is used up'),
    ('a runaway string.find', 'function on_verdict(m, v)\n\treturn string.find(("a"):rep(60), ("a*"):rep(60) .. "b")\nend',
     r'the script was killed: time_max = 500 ms is used up'),
    ('a runaway loop before the hooks', 'if av and not first then first = true end\nfunction on_message(m)\n\twhile true do end\nend',
     r'policy.lua:3: time_max = 500 ms is used up'),
    ('a table that eats memory', 'function on_verdict(m, v)\n\tlocal t = {}\n\twhile true do t[#t + 1] = ("x"):rep(1000) .. #t end\nend',
     r'policy.lua:3: not enough memory: memory_max = 8388608 bytes'),
    ('a string that eats memory', 'function on_verdict(m, v)\n\tlocal t = ("x"):rep(1 << 40)\nend', r'policy.lua:2: (not enough memory|resulting string too large)'),
    ('endless recursion', 'function on_verdict(m, v)\n\tlocal function f() return 1 + f() end\n\treturn f()\nend', r'policy.lua:2: (stack overflow|not enough memory)'),
    ('what is not there', 'function on_verdict(m, v) return os.getenv("PATH") end', r"policy.lua:1: attempt to index a nil value \(global 'os'\)"),
]


@tap.test('whatever goes wrong in a script: class error, its line in the log, 451; the next mail is served')
def failures():
    for what, script, pattern in FAILURES:
        before = len(av.logged())
        load(script)
        for body, smtp, verdict in (('hello', 4, 'error'), ('FAKE:infected=Evil.A', 5, 'infected')):
            answer, line = send(body)
            tap.eq((answer.smtp(), line['verdict']), (smtp, verdict), '%s: %s' % (what, body))
        logged = av.logged()[before:]
        tap.ok(re.search(r'script: ' + pattern, logged), '%s: no /%s/ in\n%s' % (what, pattern, logged[-2000:]))
    load(EMPTY)
    tap.eq(send('hello')[0].smtp(), 2)


@tap.test('no file, no program, no code from outside, no bytecode')
def locked_in():
    load('''
        function on_verdict(msg, v)
            for _, name in ipairs({ "io", "os", "package", "debug", "require", "dofile", "load", "loadfile", "loadstring", "collectgarbage", "warn" }) do
                assert(_G[name] == nil, name)
            end
            assert(string.dump == nil)
            leak = (leak or 0) + 1
            assert(leak == 1, "something of another message is still there")
        end''')
    for i in range(3):
        tap.eq(send('hello')[0].smtp(), 2)


def recipe(name):
    load(rig.read(os.path.join(rig.ROOT, 'contrib/lua', name)))


def attached(text, name='a.bin'):
    return mails.multipart([mails.part(b'hello', 'text/plain', encode=False), mails.part(text, name=name)], 'recipe %s %s' % (name, time.monotonic()))


@tap.test('contrib/lua: infected is rejected, unscannable passes, broken waits')
def recipe_pass():
    recipe('reject-infected-pass-unscannable.lua')
    for body, smtp, verdict in (('FAKE:infected=Evil.A', 5, 'infected'), ('FAKE:partial', 2, 'unscannable'), ('FAKE:fail', 4, 'error'),
                                ('hello', 2, 'clean'), ('FAKE:partial FAKE:fail', 5, 'error'), ('FAKE:partial FAKE:infected=Evil.A', 5, 'infected')):
        answer, line = send(body)
        tap.eq((answer.smtp(), line['verdict']), (smtp, verdict), body)


@tap.test('contrib/lua: quarantine by the name of a finding or of an attachment')
def recipe_quarantine():
    recipe('quarantine-by-name.lua')
    for whole, action in ((attached(b'FAKE:suspicious=PUA.Tool'), 'quarantine'), (attached(b'FAKE:infected=Evil.A'), 'reject'),
                          (attached(b'FAKE:infected=Heuristics.X'), 'quarantine'), (attached(b'hello', 'Photo.SCR'), 'quarantine'),
                          (attached(b'FAKE:infected=Evil.A', 'photo.scr'), 'reject'), (attached(b'hello'), 'pass')):
        tap.eq(send('', whole=whole)[1]['action'], action, whole)


@tap.test('contrib/lua: the second engine sees attachments only')
def recipe_second():
    av.more_engines = '\tfake "first" { scan_whole = false max_size = 1 on_unscannable = pass }\n\tfake "second" { enabled = passive }\n'
    av.write_conf()
    recipe('second-engine-for-attachments.lua')
    answer, line = send('', whole=attached(b'FAKE:infected=Evil.A'))
    tap.eq((answer.smtp(), line['verdict'], line['virus']), (5, 'infected', 'Evil.A'))
    tap.eq(send('FAKE:infected=Evil.A')[0].smtp(), 2)
    tap.eq(send('', whole=attached(b'FAKE:fail'))[0].smtp(), 4)
    av.more_engines = ENGINES
    av.write_conf()


@tap.test('contrib/lua: mail of the list server is not scanned again')
def recipe_list():
    recipe('skip-for-list-server.lua')
    body = b'FAKE:infected=Evil.A\r\n'
    for n, address, extra, smtp in ((1, '192.0.2.25', ['List-Id: <a.lists.test>'], 2), (2, '192.0.2.26', ['List-Id: <a.lists.test>'], 5), (3, '192.0.2.25', [], 5)):
        answer = milter.talk(av.address, mails.join(mails.headers(extra=extra), body), 'list%d' % n, connect={'address': address})
        tap.eq(answer.smtp(), smtp, address)


def script_processes():
    return [pid for pid, (parent, name) in rig.processes().items() if name.startswith('avmilter-script')]


@tap.test('a script process that is killed between two mails, or while it works, costs no wrong answer')
def killed():
    load(EMPTY)
    tap.eq(send('hello')[0].smtp(), 2)
    for pid in script_processes():
        os.kill(pid, signal.SIGKILL)
    rig.wait_for(lambda: not script_processes(), 10, 'the end of the script process')
    tap.eq(send('hello')[0].smtp(), 2)
    tap.ok(script_processes(), 'no script process')
    load('function on_message(msg) while true do end end')
    answers = []
    t = threading.Thread(target=lambda: answers.append(send('hello')[0].smtp()))
    t.start()
    time.sleep(0.2)
    for pid in script_processes():
        os.kill(pid, signal.SIGKILL)
    t.join(30)
    tap.eq(answers, [4], 'the answer to the mail whose script was killed')
    load(EMPTY)
    tap.eq(send('hello')[0].smtp(), 2)


@tap.test('a broken new script leaves the old one in place; -n tells what is wrong; a start with it fails')
def reload():
    load('function on_verdict(msg, v) return "reject", "old" end')
    for text, pattern in (('function on_verdict(msg, v) retrun 1 end', r"policy.lua:1: syntax error near '1'"),
                          ('x = 1', r'none of the functions on_message, on_verdict and on_recipient'),
                          ('on_verdict = 1', r'on_verdict is a number, not a function'),
                          ('local x = nil .. "a"', r'policy.lua:1: attempt to concatenate a nil value'),
                          ('\x1bLua', r'policy.lua: .*binary chunk'),
                          ('av.scan()', r'there is no message yet'),
                          ('while true do end', r'policy.lua:1: time_max')):
        rig.write(SCRIPT, text)
        before = av.logged().count('the configuration in use stays')
        av.hup()
        av.wait_log('the configuration in use stays', 30, before + 1)
        tap.ok(re.search(pattern, av.logged()), 'no /%s/ in\n%s' % (pattern, av.events()))
        answer, line = send('hello')
        tap.has(repr(answer), 'old', text)
        done = subprocess.run(av.command('-n', '--test-engines'), capture_output=True, text=True)
        tap.eq(done.returncode, 78, text)
        tap.ok(re.search(pattern, done.stderr), '-n: no /%s/ in\n%s' % (pattern, done.stderr))
    rig.write(SCRIPT, EMPTY)
    done = subprocess.run(av.command('-n', '--test-engines'), capture_output=True, text=True)
    tap.eq(done.returncode, 0, done.stderr)
    load('function on_verdict(msg, v) return "reject", "new" end')
    tap.has(repr(send('hello')[0]), 'new')


@tap.test('avmilterctl scan asks passive engines too, avmilter -t does not; both ask the script')
def by_hand():
    load('function on_verdict(msg, v)\n\tif v.clean then return "reject", "by hand" end\nend')
    path = rig.write(rig.WORK + '/clean.eml', mails.clean())
    asked = subprocess.run([rig.program('avmilterctl'), '-c', av.conf, '-j', 'scan', path], capture_output=True, text=True)
    tap.has(asked.stdout, '"fake,second"', asked.stderr)
    tap.has(asked.stdout, 'by hand')
    done = subprocess.run(av.command('--test-engines', '-t', path), capture_output=True, text=True)
    tap.ok(re.search(r'^engines +fake$', done.stdout, re.M), done.stdout + done.stderr)
    tap.has(done.stdout, '550 5.7.1 by hand')
    load('function on_verdict(msg, v) return 1 end')
    done = subprocess.run(av.command('--test-engines', '-t', path), capture_output=True, text=True)
    tap.eq(done.returncode, 2)
    tap.has(done.stdout, 'policy.lua:1: on_verdict returned 1')


@tap.test('it stops cleanly, and no script process stays')
def ends():
    tap.eq(av.stop(), 0)
    tap.eq(script_processes(), [])


tap.main()
