//! The threads that run guests: their priority, and the time they compute.
//!
//! A guest may compute for minutes, those who read wait for milliseconds: where there are not enough processors for both, the
//! threads of the API come first. On a busy machine guests keep a share of about a tenth, so that what counts against a
//! guest is the time that its thread was given, not the time that it waited for its turn.

use std::time::Duration;

/// How nice the threads of guests are: 0 is as those of the API, 19 is the nicest.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 10;

/// Puts the thread that calls behind those of the API. Elsewhere than on Linux, where a thread has no priority of its own,
/// nothing happens.
pub fn step_back() {
    #[cfg(target_os = "linux")]
    {
        #[expect(unsafe_code, reason = "the standard library has no priorities")]
        // SAFETY: takes and gives numbers. Zero means the thread that calls (setpriority(2), "C library/kernel differences").
        let answer = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
        if answer != 0 {
            let error = std::io::Error::last_os_error();
            tracing::debug!(%error, "a thread of the sandbox keeps the priority of the API");
        }
    }
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

    #[test]
    fn one_thread_steps_back_and_the_others_stay() {
        let before = niceness();
        let stepped = std::thread::spawn(|| {
            super::step_back();
            niceness()
        });
        assert_eq!(stepped.join().unwrap(), super::NICENESS);
        assert_eq!(niceness(), before);
    }

    #[test]
    fn a_thread_that_waits_computes_nothing() {
        let before = super::computed().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        assert!(super::computed().unwrap() - before < Duration::from_millis(150));
    }
}
