//! `halle:host/blobs`: bytes in temporary files.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use halle_extensions::Problem;
use halle_extensions::host::FetchedFile;
use tempfile::TempPath;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};
use tokio_util::sync::CancellationToken;
use wasmtime::component::Resource;

pub use super::csv::CsvReader as RowReaderHandle;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::blobs;
use crate::convert::fields_to_wit;
use crate::guest::{BLOB_BYTES_MAX, Guest, problem};

/// Bytes of one read or one write.
const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Bytes of one line, and about those of one answer of `lines`.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Lines or rows of one answer.
const ROWS_MAX: u32 = 4_096;
/// How many times longer an entry of an archive may be than it is packed.
const UNZIP_RATIO_MAX: u64 = 200;
/// Bytes up to which the ratio does not matter.
const UNZIP_FREE_BYTES: u64 = 10 << 20;

/// A finished file; removed when the last user of it is gone.
#[derive(Debug, Clone)]
pub struct BlobHandle {
    path: Arc<TempPath>,
    size: u64,
    media_type: Option<String>,
}

impl FetchedFile for BlobHandle {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl BlobHandle {
    /// Length in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Where it is.
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// Its bytes.
    pub async fn stream(
        &self,
    ) -> Result<futures::stream::BoxStream<'static, std::io::Result<bytes::Bytes>>, Problem> {
        let file = tokio::fs::File::open(&*self.path).await.map_err(|error| io(&error))?;
        let path = Arc::clone(&self.path);
        let stream = tokio_util::io::ReaderStream::with_capacity(file, 64 << 10);
        // The path is held until the last byte was read.
        Ok(stream.inspect(move |_| drop(Arc::clone(&path))).boxed())
    }

    async fn read(&self, offset: u64, len: usize) -> std::io::Result<Vec<u8>> {
        let mut file = tokio::fs::File::open(&*self.path).await?;
        file.seek(std::io::SeekFrom::Start(offset)).await?;
        let mut bytes = Vec::new();
        file.take(len as u64).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}

/// A file in the making.
#[derive(Debug)]
pub struct NewBlob {
    file: tokio::fs::File,
    path: TempPath,
    size: u64,
    size_max: u64,
}

/// What a guest knows as `blob-writer`.
pub type BlobWriterHandle = NewBlob;

impl NewBlob {
    /// An empty file that may take `size_max` bytes.
    pub async fn create(size_max: u64) -> Result<Self, Problem> {
        let made = tokio::task::spawn_blocking(tempfile::NamedTempFile::new).await;
        let made = made.map_err(|error| io(&error))?.map_err(|error| io(&error))?;
        let (file, path) = made.into_parts();
        Ok(Self { file: tokio::fs::File::from_std(file), path, size: 0, size_max })
    }

    /// Adds bytes.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.size += bytes.len() as u64;
        if self.size > self.size_max {
            return Err(Problem::new(
                "limit/blob-bytes",
                format!("the blob has more than {} bytes", self.size_max),
            ));
        }
        self.file.write_all(bytes).await.map_err(|error| io(&error))
    }

    /// Finishes it.
    pub async fn finish(mut self, media_type: Option<String>) -> Result<BlobHandle, Problem> {
        self.file.flush().await.map_err(|error| io(&error))?;
        Ok(BlobHandle { path: Arc::new(self.path), size: self.size, media_type })
    }
}

/// Lines of a blob.
#[derive(Debug)]
pub struct LineReaderHandle {
    reader: BufReader<tokio::fs::File>,
    /// Keeps the file.
    _blob: BlobHandle,
}

impl LineReaderHandle {
    async fn next(&mut self, max: u32) -> Result<Vec<String>, Problem> {
        let max = if max == 0 { ROWS_MAX } else { max.min(ROWS_MAX) };
        let (mut lines, mut bytes) = (Vec::new(), 0);
        while lines.len() < max as usize && bytes < LINE_BYTES_MAX {
            let mut line = Vec::new();
            let mut limited = (&mut self.reader).take(LINE_BYTES_MAX as u64 + 2);
            let count = limited.read_until(b'\n', &mut line).await.map_err(|error| io(&error))?;
            if count == 0 {
                break;
            }
            if line.last() == Some(&b'\n') {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
            }
            if line.len() > LINE_BYTES_MAX {
                return Err(Problem::new(
                    "limit/line-bytes",
                    format!("a line has more than {LINE_BYTES_MAX} bytes"),
                ));
            }
            bytes += line.len();
            lines.push(String::from_utf8_lossy(&line).into_owned());
        }
        Ok(lines)
    }
}

/// A failure of the machine. Its text may name paths, so it goes to the log only.
pub fn io(error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "a temporary file of a plugin cannot be used");
    Problem::new("blob/io", "the host cannot use its temporary files")
}

impl Guest {
    /// Bytes that blobs may still take.
    pub fn blob_bytes_left(&self) -> u64 {
        BLOB_BYTES_MAX.saturating_sub(self.blob_bytes)
    }

    /// Gives the guest a finished blob.
    pub fn keep_blob(&mut self, blob: BlobHandle) -> wasmtime::Result<Resource<BlobHandle>> {
        self.blob_bytes = self.blob_bytes.saturating_add(blob.size);
        self.push(blob)
    }
}

impl blobs::Host for Guest {}

impl blobs::HostBlob for Guest {
    async fn size(&mut self, blob: Resource<BlobHandle>) -> wasmtime::Result<u64> {
        self.enter()?;
        Ok(self.table.get(&blob)?.size)
    }

    async fn media_type(&mut self, blob: Resource<BlobHandle>) -> wasmtime::Result<Option<String>> {
        self.enter()?;
        Ok(self.table.get(&blob)?.media_type.clone())
    }

    async fn read(
        &mut self,
        blob: Resource<BlobHandle>,
        offset: u64,
        len: u32,
    ) -> wasmtime::Result<Result<Vec<u8>, wit::Problem>> {
        self.enter()?;
        if len as usize > CHUNK_BYTES_MAX {
            return Ok(Err(problem(
                "limit/read-bytes",
                format!("read at most {CHUNK_BYTES_MAX} bytes at a time"),
            )));
        }
        let blob = self.table.get(&blob)?.clone();
        let work = async { blob.read(offset, len as usize).await.map_err(|error| io(&error)) };
        Ok(self.wait(work).await)
    }

    async fn lines(
        &mut self,
        blob: Resource<BlobHandle>,
    ) -> wasmtime::Result<Result<Resource<LineReaderHandle>, wit::Problem>> {
        self.enter()?;
        let blob = self.table.get(&blob)?.clone();
        match tokio::fs::File::open(&*blob.path).await {
            Ok(file) => Ok(Ok(self.push(LineReaderHandle { reader: BufReader::new(file), _blob: blob })?)),
            Err(error) => Ok(Err(self.problem(io(&error)))),
        }
    }

    async fn csv(
        &mut self,
        blob: Resource<BlobHandle>,
        options: String,
    ) -> wasmtime::Result<Result<Resource<RowReaderHandle>, wit::Problem>> {
        self.enter()?;
        let blob = self.table.get(&blob)?.clone();
        match self.wait(RowReaderHandle::open(blob, &options)).await {
            Ok(reader) => Ok(Ok(self.push(reader)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn unzip(
        &mut self,
        blob: Resource<BlobHandle>,
        entry: String,
    ) -> wasmtime::Result<Result<Resource<BlobHandle>, wit::Problem>> {
        self.enter()?;
        let blob = self.table.get(&blob)?.clone();
        let (bytes_max, cancel) = (self.blob_bytes_left(), self.call.cancel.clone());
        let work = async move {
            let inflate = move || unzip(&blob, &entry, bytes_max, &cancel);
            tokio::task::spawn_blocking(inflate).await.map_err(|error| io(&error))?
        };
        match self.wait(work).await {
            Ok(blob) => Ok(Ok(self.keep_blob(blob)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn drop(&mut self, blob: Resource<BlobHandle>) -> wasmtime::Result<()> {
        self.table.delete(blob)?;
        Ok(())
    }
}

fn unzip(
    blob: &BlobHandle,
    entry: &str,
    bytes_max: u64,
    cancel: &CancellationToken,
) -> Result<BlobHandle, Problem> {
    let refused = |reason: String| Problem::new("blob/zip", reason);
    let file = std::fs::File::open(&*blob.path).map_err(|error| io(&error))?;
    let mut archive =
        zip::ZipArchive::new(file).map_err(|error| refused(format!("this is no zip archive: {error}")))?;
    let mut packed = archive.by_name(entry).map_err(|error| {
        refused(format!("the entry `{}` cannot be read: {error}", crate::convert::one_line(entry, 200)))
    })?;
    let by_ratio = packed.compressed_size().saturating_mul(UNZIP_RATIO_MAX).max(UNZIP_FREE_BYTES);
    let cap = by_ratio.min(bytes_max);
    let made = tempfile::NamedTempFile::new().map_err(|error| io(&error))?;
    let (mut output, path) = made.into_parts();
    let mut chunk = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        let count =
            packed.read(&mut chunk).map_err(|error| refused(format!("the archive is damaged: {error}")))?;
        if count == 0 {
            break;
        }
        size += count as u64;
        if size > cap {
            return Err(refused(format!("the entry inflates to more than {cap} bytes")));
        }
        if cancel.is_cancelled() {
            return Err(Problem::new("cancelled", "Someone asked the run to stop."));
        }
        output.write_all(&chunk[..count]).map_err(|error| io(&error))?;
    }
    Ok(BlobHandle { path: Arc::new(path), size, media_type: None })
}

impl blobs::HostBlobWriter for Guest {
    async fn new(&mut self) -> wasmtime::Result<Resource<BlobWriterHandle>> {
        self.enter()?;
        let writer = NewBlob::create(self.blob_bytes_left()).await.map_err(wasmtime::Error::new)?;
        self.push(writer)
    }

    async fn append(
        &mut self,
        writer: Resource<BlobWriterHandle>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), wit::Problem>> {
        self.enter()?;
        if bytes.len() > CHUNK_BYTES_MAX {
            return Ok(Err(problem(
                "limit/write-bytes",
                format!("add at most {CHUNK_BYTES_MAX} bytes at a time"),
            )));
        }
        let written = self.table.get_mut(&writer)?.append(&bytes).await;
        Ok(written.map_err(|problem| self.problem(problem)))
    }

    async fn append_blob(
        &mut self,
        writer: Resource<BlobWriterHandle>,
        blob: Resource<BlobHandle>,
    ) -> wasmtime::Result<Result<(), wit::Problem>> {
        self.enter()?;
        let blob = self.table.get(&blob)?.clone();
        let cancel = self.call.cancel.clone();
        let writer = self.table.get_mut(&writer)?;
        let copy = async {
            let mut stream = blob.stream().await?;
            while let Some(chunk) = stream.next().await {
                writer.append(&chunk.map_err(|error| io(&error))?).await?;
            }
            Ok(())
        };
        let copied = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(Err(crate::guest::cancelled())),
            copied = copy => copied,
        };
        Ok(copied.map_err(|problem| self.problem(problem)))
    }

    async fn finish(
        &mut self,
        writer: Resource<BlobWriterHandle>,
    ) -> wasmtime::Result<Result<Resource<BlobHandle>, wit::Problem>> {
        self.enter()?;
        let writer = self.table.delete(writer)?;
        if writer.size > self.blob_bytes_left() {
            return Ok(Err(problem("limit/blob-bytes", "the blobs of this call are too large together")));
        }
        match writer.finish(None).await {
            Ok(blob) => Ok(Ok(self.keep_blob(blob)?)),
            Err(failed) => Ok(Err(self.problem(failed))),
        }
    }

    async fn drop(&mut self, writer: Resource<BlobWriterHandle>) -> wasmtime::Result<()> {
        self.table.delete(writer)?;
        Ok(())
    }
}

impl blobs::HostLineReader for Guest {
    async fn next(
        &mut self,
        reader: Resource<LineReaderHandle>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<String>, wit::Problem>> {
        self.enter()?;
        let lines = self.table.get_mut(&reader)?.next(max).await;
        Ok(lines.map_err(|problem| self.problem(problem)))
    }

    async fn drop(&mut self, reader: Resource<LineReaderHandle>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

impl blobs::HostRowReader for Guest {
    async fn schema(&mut self, reader: Resource<RowReaderHandle>) -> wasmtime::Result<Vec<wit::Field>> {
        self.enter()?;
        Ok(fields_to_wit(self.table.get(&reader)?.schema()))
    }

    async fn next(
        &mut self,
        reader: Resource<RowReaderHandle>,
        max_rows: u32,
    ) -> wasmtime::Result<Result<Option<wit::Batch>, wit::Problem>> {
        self.enter()?;
        let max_rows = if max_rows == 0 { ROWS_MAX } else { max_rows.min(ROWS_MAX) };
        let reader = self.table.get_mut(&reader)?;
        let fields = reader.schema().to_vec();
        match reader.next(max_rows as usize).await {
            Ok(Some(rows)) => Ok(Ok(Some(self.batch_to_guest(&rows, &fields)?))),
            Ok(None) => Ok(Ok(None)),
            Err(failed) => Ok(Err(self.problem(failed))),
        }
    }

    async fn drop(&mut self, reader: Resource<RowReaderHandle>) -> wasmtime::Result<()> {
        self.table.delete(reader)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
