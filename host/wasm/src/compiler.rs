//! Compiling: in a process of its own where the configuration names one, since the compiler reads what strangers wrote.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use halle_extensions::package::COMPONENT_BYTES_MAX;
use halle_extensions::{PluginError, PluginResult};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wasmtime::Engine;

use crate::host::failed;
use crate::turns;

/// Time of one compilation.
const WALL_MAX: Duration = Duration::from_secs(600);
/// Processor time of one compilation, unless the configuration tells another, in seconds. Components that bring an
/// interpreter take about 20.
const CPU_S_MAX: u32 = 300;
/// Address space of one compilation, unless the configuration tells another, in KiB.
const MEMORY_KIB_MAX: u32 = 6 << 20;
/// Bytes of compiled code: about six times its source.
const COMPILED_BYTES_MAX: u64 = 512 << 20;

/// What one compilation may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompilerLimits {
    /// Processor time, in seconds.
    pub cpu_s_max: u32,
    /// Address space, in KiB.
    pub memory_kib_max: u32,
}

impl Default for CompilerLimits {
    fn default() -> Self {
        Self { cpu_s_max: CPU_S_MAX, memory_kib_max: MEMORY_KIB_MAX }
    }
}

/// A component, compiled.
#[derive(Debug)]
pub struct Compiled {
    /// Its code.
    pub code: Vec<u8>,
    /// Memory of the compiler's process at its peak; 0 where it has none of its own, or that cannot be told.
    pub memory_peak_bytes: u64,
}

/// Bytes after the code in which the process tells its peak, little end first.
const PEAK_BYTES: usize = size_of::<u64>();

/// Where components are compiled.
#[derive(Debug, Clone)]
pub enum Compiler {
    /// In this process, on a thread of its own. For tests and tools.
    InProcess,
    /// In a process of its own, under limits on time and memory: this program with these arguments must call
    /// [`compile_worker`].
    Process {
        /// The program, usually this one.
        program: PathBuf,
        /// Arguments that lead it to [`compile_worker`].
        args: Vec<String>,
        /// What it may use.
        limits: CompilerLimits,
    },
}

impl Compiler {
    /// Compiled code of a component, for `engine`, with the memory that the compiler took. A component that the compiler refuses is a `plugin/invalid` problem.
    pub async fn compile(&self, engine: &Engine, source: &[u8]) -> PluginResult<Compiled> {
        if source.len() > COMPONENT_BYTES_MAX {
            return Err(refused(&format!("it has more than {} MiB", COMPONENT_BYTES_MAX >> 20)));
        }
        match self {
            Self::InProcess => {
                let (engine, source) = (engine.clone(), source.to_vec());
                let code = tokio::task::spawn_blocking(move || engine.precompile_component(&source))
                    .await
                    .map_err(|error| failed(&error))?
                    .map_err(|error| refused(&format!("{error:#}")))?;
                Ok(Compiled { code, memory_peak_bytes: 0 })
            }
            Self::Process { program, args, limits } => {
                let work = in_process_of_its_own(program, args, *limits, source);
                tokio::time::timeout(WALL_MAX, work)
                    .await
                    .map_err(|_| refused(&format!("compiling took more than {} s", WALL_MAX.as_secs())))?
            }
        }
    }
}

async fn in_process_of_its_own(
    program: &PathBuf,
    args: &[String],
    CompilerLimits { cpu_s_max, memory_kib_max }: CompilerLimits,
    source: &[u8],
) -> PluginResult<Compiled> {
    let broken =
        |error: std::io::Error| PluginError::Unavailable(format!("the compiler process failed: {error}"));
    // The shell sets the limits and is then replaced by the program; nothing of the component reaches its command line.
    let limits = format!("ulimit -t {cpu_s_max}; ulimit -v {memory_kib_max}; exec nice -n 10 \"$0\" \"$@\"");
    let mut child = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(limits)
        .arg(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(broken)?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut input), Some(output), Some(errors)) = pipes else {
        return Err(PluginError::Unavailable("the compiler process has no pipes".to_owned()));
    };
    let send = async move {
        // A process that died early is told by its exit status below.
        let _ = input.write_all(source).await;
    };
    let (mut compiled, mut said) = (Vec::new(), String::new());
    let mut output = output.take(COMPILED_BYTES_MAX + PEAK_BYTES as u64 + 1);
    let mut errors = errors.take(4_096);
    let (_, read, _) =
        tokio::join!(send, output.read_to_end(&mut compiled), errors.read_to_string(&mut said));
    read.map_err(broken)?;
    let status = child.wait().await.map_err(broken)?;
    if !status.success() {
        let said = said.trim();
        let reason =
            if said.is_empty() { format!("the compiler stopped ({status})") } else { said.to_owned() };
        return Err(refused(&reason));
    }
    let Some(code_bytes) = compiled.len().checked_sub(PEAK_BYTES) else {
        return Err(PluginError::Unavailable("the compiler process said nothing".to_owned()));
    };
    if code_bytes as u64 > COMPILED_BYTES_MAX {
        return Err(refused(&format!("its compiled form has more than {} MiB", COMPILED_BYTES_MAX >> 20)));
    }
    let peak = compiled.split_off(code_bytes).try_into().unwrap_or_default();
    Ok(Compiled { code: compiled, memory_peak_bytes: u64::from_le_bytes(peak) })
}

fn refused(reason: &dyn std::fmt::Display) -> PluginError {
    let message = format!("the component cannot be compiled: {reason}");
    PluginError::Reported(halle_extensions::Problem::new("plugin/invalid", message))
}

/// The other side of [`Compiler::Process`]: reads a component, writes its compiled form and, in [`PEAK_BYTES`], the memory
/// that it took. On an error the reason is the text
/// for standard error, and the exit status must tell of it.
pub fn compile_worker(mut input: impl Read, mut output: impl Write) -> Result<(), String> {
    let mut source = Vec::new();
    let cap = COMPONENT_BYTES_MAX as u64 + 1;
    input.by_ref().take(cap).read_to_end(&mut source).map_err(|error| error.to_string())?;
    if source.len() > COMPONENT_BYTES_MAX {
        return Err(format!("it has more than {} MiB", COMPONENT_BYTES_MAX >> 20));
    }
    // This process cannot tell whether anybody reads.
    turns::always_short();
    let threads = rayon::ThreadPoolBuilder::new().start_handler(|_| turns::always_short());
    threads.build_global().map_err(|error| error.to_string())?;
    let engine = crate::engine::compiling().map_err(|error| error.to_string())?;
    let compiled = engine.precompile_component(&source).map_err(|error| format!("{error:#}"))?;
    output.write_all(&compiled).map_err(|error| error.to_string())?;
    output
        .write_all(&memory_peak_bytes().to_le_bytes())
        .and_then(|()| output.flush())
        .map_err(|error| error.to_string())
}

/// Memory of this process at its peak, where the system tells it.
fn memory_peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kib =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak_kib.map_or(0, |kib: u64| kib.saturating_mul(1_024))
}
