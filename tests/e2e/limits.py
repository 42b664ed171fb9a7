#!/usr/bin/python3
"""Full disks, no descriptors, budgets: 451 for the message at hand, never accepted unscanned, recovery by itself"""
# run: timeout=180
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), '..'))
from lib import mails, milter, rig, tap
from lib.avmilter import Daemon, q, settled
from lib.milter import Closed, Milter

MB = 1 << 20
D = []


def daemon(name, **spool):
    d = Daemon(name)
    d.sections['spool'] = spool
    D.insert(0, d)
    return d


@tap.on_failure
def logs():
    return D[0].events()


def smtp_class(d, message, queue_id='T1'):
    return milter.talk(d.address, message, queue_id).smtp()


def tiny_disk(path, options):
    if not rig.ISOLATED:
        raise tap.Skip('needs a mount namespace')
    subprocess.run(['mount', '-t', 'tmpfs', '-o', 'mode=700,uid=65534,' + options, 'tiny', path], check=True)


def spool_only(d):
    """The workers' folders elsewhere: only the spool meets the limit."""
    d.sections['antivirus']['scratch_base'] = q(rig.folder(d.name + '/scratch', owner='nobody'))


@tap.test('no space in file_base: 451 with the reason, small mail goes on, recovery when there is room again')
def no_space():
    d = daemon('nospace', memory_max='64K')
    spool_only(d)
    tiny_disk(d.dir + '/spool', 'size=1m')
    d.start()
    for message in (mails.big(3 * MB), mails.big(3 * MB, infected=True)):
        answer = milter.talk(d.address, message, 'FULL')
        tap.eq(answer.smtp(), 4, str(answer))
    line = d.lines()[-1][1]
    tap.eq((line['verdict'], line['action']), ('error', 'tempfail'))
    tap.has(line['why'], 'spool', 'why')
    tap.eq((smtp_class(d, mails.clean()), smtp_class(d, mails.eicar_zip())), (2, 5), 'small mail')
    subprocess.run(['mount', '-o', 'remount,size=20m', d.dir + '/spool'], check=True)
    tap.eq((smtp_class(d, mails.big(3 * MB)), smtp_class(d, mails.big(3 * MB, infected=True))), (2, 5), 'with room again')
    tap.eq(settled(lambda: os.statvfs(d.dir + '/spool').f_bfree), os.statvfs(d.dir + '/spool').f_blocks, 'free blocks')
    d.stop()


@tap.test('no inodes in file_base: the same')
def no_inodes():
    d = daemon('noinode', memory_max='64K')
    spool_only(d)
    tiny_disk(d.dir + '/spool', 'size=50m,nr_inodes=4')
    d.start()
    taken = []
    try:
        while True:
            taken.append(rig.write('%s/spool/taken%d' % (d.dir, len(taken)), ''))
    except OSError:
        pass
    tap.eq(smtp_class(d, mails.big(3 * MB, infected=True)), 4)
    tap.eq(smtp_class(d, mails.eicar_zip()), 5, 'small mail')
    for f in taken:
        os.unlink(f)
    tap.eq((smtp_class(d, mails.big(3 * MB)), smtp_class(d, mails.big(3 * MB, infected=True))), (2, 5), 'with inodes again')
    d.stop()


@tap.test('no room and no inodes in the workers\' scratch folder: never accepted unscanned, recovery')
def scratch_full():
    for name, options in (('scratch1', 'size=256k'), ('scratch2', 'size=10m,nr_inodes=12')):
        d = daemon(name)
        scratch = rig.folder(name + '/scratch')
        tiny_disk(scratch, options)
        d.sections['antivirus']['scratch_base'] = q(scratch)
        d.sections['antivirus']['message_time_max'] = '4s'
        d.start()
        n = 0
        try:
            while True:
                rig.write('%s/taken%d' % (scratch, n), b'x' * 65536)
                n += 1
        except OSError:
            pass
        for _ in range(3):
            for message in (mails.eicar_zip(2), mails.eicar_base64(), mails.eicar_forwarded()):
                tap.ok(smtp_class(d, message) in (4, 5), 'accepted with a full scratch folder (%s)' % options)
            answer = milter.talk(d.address, mails.multipart([mails.TEXT, mails.part(mails.zipped(mails.noise(30000)), name='a.zip')]))
            tap.ok(answer.smtp() in (2, 4), str(answer))
        for i in range(n + 1):
            try:
                os.unlink('%s/taken%d' % (scratch, i))
            except FileNotFoundError:
                pass
        rig.wait_for(lambda: smtp_class(d, mails.clean_attachments()) == 2, 60, 'recovery (%s)' % options, every=0.2)
        tap.eq(smtp_class(d, mails.eicar_zip(2)), 5)
        d.stop()


@tap.test('the scratch folder of the workers is taken away: never accepted unscanned, recovery')
def scratch_gone():
    d = daemon('gone')
    scratch = rig.folder('gone/scratch', owner='nobody')
    d.sections['antivirus']['scratch_base'] = q(scratch)
    d.sections['antivirus']['message_time_max'] = '4s'
    d.start()
    subprocess.run('rm -rf %s/*' % scratch, shell=True, check=True)
    for message in (mails.eicar_zip(2), mails.eicar_base64(), mails.eicar_forwarded()):
        tap.ok(smtp_class(d, message) in (4, 5), 'accepted without a scratch folder')
    rig.wait_for(lambda: smtp_class(d, mails.clean_attachments()) == 2, 20, 'recovery', every=0.2)
    d.stop()


@tap.test('file_base taken away: 451 for what does not fit into memory, recovery when it is back')
def no_folder():
    d = daemon('nofolder', memory_max='64K')
    spool_only(d)
    d.start()
    os.rename(d.dir + '/spool', d.dir + '/hidden')
    tap.eq(smtp_class(d, mails.big(MB, infected=True)), 4)
    tap.eq(smtp_class(d, mails.eicar_zip()), 5)
    os.rename(d.dir + '/hidden', d.dir + '/spool')
    tap.eq(smtp_class(d, mails.big(MB)), 2)
    d.stop()


@tap.test('no descriptors (EMFILE): nothing accepted unscanned, recovery by itself')
def no_descriptors():
    d = daemon('emfile').start()
    tap.eq(smtp_class(d, mails.clean()), 2)
    limits = rig.read('/proc/%d/limits' % d.process.pid)
    soft, hard = map(int, re.search(r'Max open files\s+(\d+)\s+(\d+)', limits).groups())

    def limit(n):
        # by the user of the daemon: root in a container may not
        rig.run(['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', 'prlimit', '--pid', str(d.process.pid),
                 '--nofile=%d:%d' % (n, hard)], check=True)
    used = {int(fd) for fd in os.listdir('/proc/%d/fd' % d.process.pid)}
    holes = [n for n in range(500) if n not in used]
    codes = set()
    for room in (0, 1, 2, 3, 4, 5, 6, 8):
        limit(holes[room])
        for message in (mails.eicar_plain(), mails.eicar_zip()):
            try:
                m = Milter(d.address, timeout=8)
                m.connect()
                m.helo()
                answer = m.message(message, queue_id='FEW')
                m.quit()
                tap.ok(answer.smtp() != 2, 'accepted with room for %d descriptors: %s' % (room, answer))
                codes.add(answer.smtp())
            except (Closed, OSError):
                codes.add('closed')
    tap.ok(codes - {5}, 'the limit was never met: %s' % codes)
    limit(soft)
    rig.wait_for(lambda: quiet_class(d, mails.clean()) == 2, 15, 'recovery', every=0.2)
    tap.eq(smtp_class(d, mails.eicar_plain()), 5)
    tap.ok(len(d.logged().split('\n')) < 2000, 'the log was flooded: %d lines' % len(d.logged().split('\n')))
    d.stop()


def quiet_class(d, message):
    try:
        return smtp_class(d, message)
    except (Closed, OSError):
        return 0


def half_sent(d, size):
    """A message that is not finished yet."""
    m = Milter(d.address)
    m.connect()
    m.helo()
    m.mail()
    m.rcpt()
    m.data('HALF')
    m.header('Subject', ' x')
    m.eoh()
    mails.COUNT[0] += 1
    m.body(mails.noise(size, mails.COUNT[0]))      # unlike any other: nothing is answered from memory
    return m


@tap.test('spool.total_max in use by others: 451, and room again when they are gone')
def budget():
    d = daemon('budget', total_max='16M').start()
    others = [half_sent(d, 7 * MB) for _ in range(2)]
    time.sleep(0.5)
    answer = milter.talk(d.address, mails.big(6 * MB), 'OVER')
    tap.eq(answer.smtp(), 4, str(answer))
    line = d.line('OVER')
    tap.eq((line['verdict'], line['action']), ('error', 'tempfail'))
    tap.has(line['why'], 'spool', 'why')
    tap.eq([m.eom().smtp() for m in others], [2, 2], 'the ones that held the budget')
    for m in others:
        m.quit()
    tap.eq((smtp_class(d, mails.big(6 * MB)), smtp_class(d, mails.big(6 * MB, infected=True))), (2, 5), 'afterwards')
    others = [half_sent(d, 7 * MB) for _ in range(2)]
    for m in others:
        m.close()
    rig.wait_for(lambda: smtp_class(d, mails.big(6 * MB)) == 2, 10, 'room after disconnects', every=0.2)
    d.stop()


@tap.test('larger than message_max or half the budget: unscannable and refused, not 451 for ever')
def too_large():
    d = daemon('large', message_max='1M').start()
    for message in (mails.big(3 * MB), mails.big(3 * MB, infected=True)):
        answer = milter.talk(d.address, message, 'LARGE')
        tap.eq(answer.smtp(), 5, str(answer))
    line = d.lines()[-1][1]
    tap.eq((line['verdict'], line['action']), ('unscannable', 'reject'))
    tap.has(line['why'], 'too-large', 'why')
    tap.eq(smtp_class(d, mails.big(900000)), 2)
    d.stop()
    d = daemon('half', total_max='8M').start()
    tap.eq(smtp_class(d, mails.big(5 * MB)), 5, 'more than half of total_max')
    tap.eq(smtp_class(d, mails.big(3 * MB)), 2)
    d.stop()


@tap.test('a 50 MB message does not raise the resident set of the front by more than memory_max + 2 MB')
def resident():
    d = daemon('resident').start()
    smtp_class(d, mails.big(MB))
    before = d.memory('RssAnon', 'RssShmem')
    m = half_sent(d, 50 * MB)
    rig.wait_for(lambda: settled(lambda: d.memory('RssAnon', 'RssShmem')), 10, 'a settled size')
    spooled = d.memory('RssAnon', 'RssShmem') - before
    tap.eq(m.eom().smtp(), 2)
    after = d.memory('RssAnon', 'RssShmem') - before
    m.quit()
    tap.ok(max(spooled, after) <= 1024 + 2048, 'grew by %d KiB while spooling, %d KiB after the scan' % (spooled, after))
    d.stop()


@tap.test('more waiting messages than queue_max allows: 451, none lost, none unscanned')
def queue_full():
    d = daemon('queue')
    d.sections['antivirus']['queue_max'] = '1'
    d.start()
    for w in d.workers():
        os.kill(w, signal.SIGSTOP)
    waiting = []
    for n in range(30):
        m = half_sent(d, 100)
        m.send('E')
        waiting.append(m)
    time.sleep(1)
    for w in d.workers():
        os.kill(w, signal.SIGCONT)
    codes = [m.answer().smtp() for m in waiting]
    tap.ok(set(codes) == {2, 4}, 'answers %s' % codes)
    tap.ok(codes.count(2) >= 10, 'answers %s' % codes)
    tap.eq(smtp_class(d, mails.eicar_plain()), 5)
    d.stop()


tap.main()
