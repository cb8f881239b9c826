//! The threads that run guests: their priority, and the time they compute.
//!
//! A guest may compute for minutes, those who read wait for milliseconds: where there are not enough processors for both, the
//! threads of the API come first. On a busy machine guests keep a share of about a tenth, so that what counts against a
//! guest is the time that its thread was given, not the time that it waited for its turn.
//!
//! Being nice gives a small share, and says nothing of when: a thread of the API that wakes up would still wait for the end of
//! a guest's turn, which is milliseconds. A thread whose turns are *shorter* than those of the one that runs takes its place at
//! once (Linux from 6.12, `PREEMPT_SHORT` in its kernel/sched/fair.c), so the turns of guests are as long as they can be.

use std::time::Duration;

/// How nice the threads of guests are: 0 is as those of the API, 19 is the nicest.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 10;

/// How long the turns of guests are: the most that Linux knows (sched_setattr(2) of Linux 6.12), against about 3 ms of others.
#[cfg(target_os = "linux")]
const TURN: Duration = Duration::from_millis(100);

/// Puts the thread that calls behind those of the API, and with it the threads that it starts from then on. Elsewhere than on
/// Linux, where a thread has no priority of its own, nothing happens; before Linux 6.12, it only has a smaller share.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    {
        #[expect(unsafe_code, reason = "the standard library has no priorities")]
        // SAFETY: takes and gives numbers. Zero means the thread that calls (setpriority(2), "C library/kernel differences").
        let nice = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
        if nice != 0 {
            let error = std::io::Error::last_os_error();
            tracing::debug!(%error, "a thread of the sandbox keeps the priority of the API");
        }
        if let Err(error) = lengthen_turns() {
            tracing::debug!(%error, "a thread of the sandbox keeps turns of the system's length");
        }
    }
}

#[cfg(target_os = "linux")]
fn lengthen_turns() -> std::io::Result<()> {
    let wanted = libc::sched_attr {
        size: u32::try_from(size_of::<libc::sched_attr>()).unwrap_or_default(),
        sched_policy: 0, // SCHED_OTHER
        sched_flags: 0,
        sched_nice: NICENESS,
        sched_priority: 0,
        sched_runtime: u64::try_from(TURN.as_nanos()).unwrap_or_default(),
        sched_deadline: 0,
        sched_period: 0,
    };
    #[expect(unsafe_code, reason = "the C library has no name for this call")]
    // SAFETY: the structure is ours and tells its size; zero means the thread that calls, and no flags (sched_setattr(2)).
    let answer = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
    if answer == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Time that the calling thread was given by the system so far; `None` where the system does not tell.
#[cfg(target_os = "linux")]
pub fn computed() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    #[expect(unsafe_code, reason = "the standard library has no clock of a thread")]
    // SAFETY: the structure is ours, and of the type that the call fills.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    let (seconds, nanos) = (u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?);
    (answer == 0).then(|| Duration::new(seconds, nanos))
}

/// Time that the calling thread was given by the system so far; `None` where the system does not tell.
#[cfg(not(target_os = "linux"))]
pub fn computed() -> Option<Duration> {
    None
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::Duration;

    /// Niceness is field 19 of proc(5); the name of the command may have spaces and ends with the last parenthesis.
    fn niceness() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name.split_whitespace().nth(16).unwrap().parse().unwrap()
    }

    /// The length of this thread's turns in nanoseconds; 0 where the system does not tell (Linux before 6.12).
    fn turn_ns() -> u64 {
        #[expect(unsafe_code, reason = "a structure of numbers; the C library has no name for this call")]
        // SAFETY: zeroes are a value of it, it is ours and we tell its size; zero means the thread that calls, and no flags.
        let (told, attr) = unsafe {
            let mut attr: libc::sched_attr = std::mem::zeroed();
            let size = size_of::<libc::sched_attr>();
            (libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attr, size, 0), attr)
        };
        assert_eq!(told, 0, "{}", std::io::Error::last_os_error());
        attr.sched_runtime
    }

    #[test]
    fn one_thread_steps_back_and_the_others_stay() {
        let (before, turn_before) = (niceness(), turn_ns());
        let stepped = std::thread::spawn(|| {
            super::step_back();
            let child = std::thread::spawn(|| (niceness(), turn_ns()));
            [(niceness(), turn_ns()), child.join().unwrap()]
        });
        let turn = if turn_before == 0 { 0 } else { super::TURN.as_nanos().try_into().unwrap() };
        assert_eq!(stepped.join().unwrap(), [(super::NICENESS, turn); 2]);
        assert_eq!((niceness(), turn_ns()), (before, turn_before));
    }

    #[test]
    fn a_thread_that_waits_computes_nothing() {
        let before = super::computed().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(super::computed().unwrap() - before < Duration::from_millis(150));
    }
}
