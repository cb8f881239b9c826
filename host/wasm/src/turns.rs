//! Short turns for guests while somebody reads.
//!
//! Niceness decides how much of a processor a thread gets, not when. Where guests hold every processor, a thread of the API that
//! wakes up usually has one at once. But not always: traces of Linux 6.18 show the interrupt that asks for the processor
//! arriving within microseconds, and the guest going on until the next tick, up to 4 ms later at 250 Hz, even in
//! Linux's idle class. A request wakes several threads, one after the other, so that its 99th percentile is that tick.
//! So the thread of a guest that computes while requests come is interrupted every [`TURN`] by a timer of its own, and
//! offers its processor: who waits has it, and where nobody does the guest goes on.
//!
//! The sleep takes a twelfth of a guest's speed, the interrupts what they cost: together a quarter to two fifths on the
//! virtual machine of `host/docs/performance.md`. Without requests there is none of it. Elsewhere than on Linux nothing
//! happens.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use timer::Timer;

/// How long a guest computes before it offers its processor, while somebody reads.
const TURN: Duration = Duration::from_micros(250);

/// How many looks of the ticker short turns outlive the last request: a reader seldom asks once.
const LOOKS_AFTER: u32 = 10;

/// Counts those who read, so that guests make room for them. Copies count together.
#[derive(Debug, Clone, Default)]
pub struct Readers(Arc<AtomicU64>);

impl Readers {
    /// Says that a request came.
    pub fn came(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The turns of all threads that run guests of one sandbox.
#[derive(Debug)]
pub struct Turns {
    readers: Readers,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    threads: Vec<Weak<Thread>>,
    /// Requests at the last look.
    count: u64,
    /// Looks since a request came.
    quiet: u32,
}

/// A thread that runs guests.
#[derive(Debug)]
struct Thread {
    timer: Timer,
    /// Whether it computes for a guest now.
    computes: AtomicBool,
    /// Whether it did since the last look.
    computed: AtomicBool,
    has_short_turns: AtomicBool,
}

impl Thread {
    fn new(timer: Timer, has_short_turns: bool) -> Arc<Self> {
        let has_short_turns = AtomicBool::new(has_short_turns);
        Arc::new(Self {
            timer,
            computes: AtomicBool::new(false),
            computed: AtomicBool::new(false),
            has_short_turns,
        })
    }
}

thread_local! {
    /// The calling thread, where it runs guests. Its timer ends with it.
    static THREAD: RefCell<Option<Arc<Thread>>> = const { RefCell::new(None) };
}

impl Turns {
    /// Turns that are short while `readers` read.
    pub fn new(readers: Readers) -> Arc<Self> {
        // Whoever asked before does not read now.
        let quiet = LOOKS_AFTER;
        let known = Known { threads: Vec::new(), count: readers.count(), quiet };
        Arc::new(Self { readers, known: Mutex::new(known) })
    }

    /// Takes the calling thread among those that run guests, until it ends.
    pub fn join(&self) {
        let timer = match Timer::of_this_thread() {
            Ok(timer) => timer,
            Err(error) => {
                tracing::debug!(%error, "a thread of the sandbox has no timer: readers may wait for its turn to end");
                return;
            }
        };
        let thread = Thread::new(timer, false);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.threads.push(Arc::downgrade(&thread));
        THREAD.set(Some(thread));
    }

    /// Looks who reads and who computes, and makes turns short or long accordingly. To be called every few milliseconds.
    pub fn look(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let count = self.readers.count();
        known.quiet = if count == known.count { known.quiet.saturating_add(1) } else { 0 };
        known.count = count;
        let is_read = known.quiet < LOOKS_AFTER;
        known.threads.retain(|thread| {
            let Some(thread) = thread.upgrade() else { return false };
            let computed = thread.computed.swap(false, Ordering::Relaxed);
            let short = is_read && (computed || thread.computes.load(Ordering::Relaxed));
            if thread.has_short_turns.swap(short, Ordering::Relaxed) != short {
                thread.timer.every(short.then_some(TURN));
            }
            true
        });
    }
}

/// Runs `work` for a guest: the calling thread computes meanwhile, however `work` ends.
pub fn computing<T>(work: impl FnOnce() -> T) -> T {
    struct Computes;
    impl Drop for Computes {
        fn drop(&mut self) {
            says(false);
        }
    }
    fn says(computes: bool) {
        THREAD.with_borrow(|thread| {
            if let Some(thread) = thread {
                thread.computes.store(computes, Ordering::Relaxed);
                thread.computed.store(true, Ordering::Relaxed);
            }
        });
    }
    says(true);
    let _computes = Computes;
    work()
}

/// Gives the calling thread short turns until it ends: for those that cannot tell whether somebody reads.
pub fn always_short() {
    if let Ok(timer) = Timer::of_this_thread() {
        timer.every(Some(TURN));
        THREAD.set(Some(Thread::new(timer, true)));
    }
}

/// Timers of Linux that interrupt one thread.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library has neither timers nor signals")]
mod timer {
    use std::io;
    use std::mem::zeroed;
    use std::ptr::null_mut;
    use std::sync::Once;
    use std::time::Duration;

    /// The signal of a turn that is over. Whoever does not handle it does not notice it (signal(7)), and nothing else
    /// here uses it; runtimes of other languages take it for the same purpose.
    const TURN_OVER: libc::c_int = libc::SIGURG;

    /// A timer that ends the turns of one thread; deleted when dropped.
    #[derive(Debug)]
    pub struct Timer(libc::timer_t);

    // SAFETY: what the C library calls a pointer names a timer of the process; any of its threads may set and delete it
    // (timer_settime(2)).
    unsafe impl Send for Timer {}
    // SAFETY: as above; setting a timer at the same time in two threads is the system's to order.
    unsafe impl Sync for Timer {}

    /// How long a thread that offers its processor sleeps. The system has to see it asleep: with 5 us, a virtual machine was not
    /// fast enough.
    static MOMENT: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000 };

    /// Offers the processor to whoever waits for it, by sleeping for a moment. To yield would not do: a thread
    /// that yields gives up more than it takes in such a short turn, and on a busy machine hardly ever runs (a thirtieth
    /// of its share on Linux 6.18).
    extern "C" fn turn_over(_signal: libc::c_int) {
        // SAFETY: reads a constant and may be called by a handler (signal-safety(7)); an error is what it returns, so
        // that the thread that was interrupted finds everything as it was, its `errno` too.
        unsafe { libc::clock_nanosleep(libc::CLOCK_MONOTONIC, 0, &raw const MOMENT, null_mut()) };
    }

    /// Handles the signal, in the whole process.
    fn handle() {
        static HANDLED: Once = Once::new();
        HANDLED.call_once(|| {
            // SAFETY: zero is a value of every field, `sa_mask` included, where it means no signal (sigsetops(3)).
            let mut action: libc::sigaction = unsafe { zeroed() };
            let handler: extern "C" fn(libc::c_int) = turn_over;
            action.sa_sigaction = handler as libc::sighandler_t;
            // Calls of the system go on where they were; the stack of a guest is not taken.
            action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
            // SAFETY: the action is whole, and nobody asks what was there before.
            unsafe { libc::sigaction(TURN_OVER, &raw const action, null_mut()) };
        });
    }

    impl Timer {
        /// A timer of the calling thread, not yet set. Fails where the process has as many as it may
        /// (`RLIMIT_SIGPENDING`).
        pub fn of_this_thread() -> io::Result<Self> {
            handle();
            // Sleeps may be 50 us longer otherwise, so that several end together.
            // SAFETY: takes and gives numbers, and concerns the thread that calls (PR_SET_TIMERSLACK(2const)).
            unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
            // SAFETY: zero is a value of every field.
            let mut event: libc::sigevent = unsafe { zeroed() };
            event.sigev_notify = libc::SIGEV_THREAD_ID;
            event.sigev_signo = TURN_OVER;
            // SAFETY: takes nothing and gives a number.
            event.sigev_notify_thread_id = unsafe { libc::gettid() };
            let mut timer = null_mut();
            // SAFETY: both structures are ours, and of the types that the call reads and fills.
            let answer = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, &raw mut timer) };
            if answer == 0 { Ok(Self(timer)) } else { Err(io::Error::last_os_error()) }
        }

        /// Ends a turn every `turn` from now on, or none.
        pub fn every(&self, turn: Option<Duration>) {
            let turn = turn.unwrap_or_default();
            let turn = libc::timespec {
                tv_sec: turn.as_secs().try_into().unwrap_or_default(),
                tv_nsec: turn.subsec_nanos().into(),
            };
            let times = libc::itimerspec { it_interval: turn, it_value: turn };
            // SAFETY: the timer is there until it is dropped, the structure is ours, and nobody asks for the times before.
            unsafe { libc::timer_settime(self.0, 0, &raw const times, null_mut()) };
        }
    }

    impl Drop for Timer {
        fn drop(&mut self) {
            // SAFETY: the timer was created, and is deleted once.
            unsafe { libc::timer_delete(self.0) };
        }
    }
}

/// Elsewhere threads keep the turns that the system gives them.
#[cfg(not(target_os = "linux"))]
mod timer {
    use std::io;
    use std::time::Duration;

    /// Nothing.
    #[derive(Debug)]
    pub struct Timer;

    impl Timer {
        /// Always fails.
        pub fn of_this_thread() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        /// Never called.
        pub fn every(&self, _turn: Option<Duration>) {}
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::time::Duration;

    use super::{LOOKS_AFTER, Readers, Turns, computing};

    /// Whether something wakes the calling thread again and again while it sleeps: each time counts as a switch (proc(5)).
    fn is_interrupted() -> bool {
        let switches = || {
            let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
            let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
            count.and_then(|count| count.trim().parse::<u64>().ok()).unwrap_or_default()
        };
        let before = switches();
        std::thread::sleep(Duration::from_millis(200));
        switches() - before > 20
    }

    fn joined() -> (Readers, std::sync::Arc<Turns>) {
        let readers = Readers::default();
        let turns = Turns::new(readers.clone());
        turns.join();
        (readers, turns)
    }

    #[test]
    fn a_guest_that_computes_while_somebody_reads_is_interrupted() {
        let (readers, turns) = joined();
        computing(|| {
            turns.look();
            assert!(!is_interrupted(), "nobody reads");
            readers.came();
            turns.look();
            assert!(is_interrupted());
        });
    }

    #[test]
    fn a_thread_without_a_guest_sleeps_in_peace() {
        let (readers, turns) = joined();
        readers.came();
        turns.look();
        assert!(!is_interrupted());
    }

    #[test]
    fn many_short_guests_are_as_one_long() {
        let (readers, turns) = joined();
        readers.came();
        computing(|| ());
        turns.look();
        assert!(is_interrupted(), "one has just been there");
        turns.look();
        assert!(!is_interrupted(), "none came since");
    }

    #[test]
    fn a_thread_whose_guest_panicked_sleeps_in_peace() {
        let (readers, turns) = joined();
        let panicked = std::panic::catch_unwind(|| computing(|| panic!("for the test")));
        assert!(panicked.is_err());
        // What it did before is looked at once more.
        turns.look();
        readers.came();
        turns.look();
        assert!(!is_interrupted());
    }

    #[test]
    fn turns_are_long_again_when_nobody_reads_any_more() {
        let (readers, turns) = joined();
        computing(|| {
            readers.came();
            for _ in 0..LOOKS_AFTER {
                turns.look();
            }
            assert!(is_interrupted(), "a reader seldom asks once");
            turns.look();
            assert!(!is_interrupted());
        });
    }

    #[test]
    fn threads_that_ended_are_forgotten() {
        let turns = Turns::new(Readers::default());
        let joined = std::sync::Arc::clone(&turns);
        std::thread::spawn(move || joined.join()).join().unwrap();
        turns.look();
        assert!(turns.known.lock().unwrap().threads.is_empty());
    }
}
