//! `halle:host/blobs`: bytes in temporary files.

use std::path::Path;
use std::sync::Arc;

use futures::StreamExt;
use halle_extensions::Problem;
use halle_extensions::host::FetchedFile;
use tempfile::TempPath;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, BufReader};
use wasmtime::component::Resource;

pub use super::csv::CsvReader as RowReaderHandle;
use super::room::{Room, Taken};
use super::unzip::unzip;
use crate::bindings::shared::halle::base::types as wit;
use crate::bindings::shared::halle::host::blobs;
use crate::convert::fields_to_wit;
use crate::guest::{Guest, problem, unless_cancelled};
use crate::weigh::Weigh;

/// Bytes of one read or one write.
const CHUNK_BYTES_MAX: usize = 1 << 20;
/// Bytes of one line, and about those of one answer of `lines`.
const LINE_BYTES_MAX: usize = 1 << 20;
/// Lines or rows of one answer.
const ROWS_MAX: u32 = 4_096;

/// A finished file; removed when the last user of it is gone.
#[derive(Debug, Clone)]
pub struct BlobHandle {
    path: Arc<TempPath>,
    size: u64,
    media_type: Option<String>,
    /// What it takes of the room of its call; given back with the file.
    _taken: Arc<Taken>,
}

impl FetchedFile for BlobHandle {
    fn path(&self) -> &Path {
        &self.path
    }
}

impl BlobHandle {
    /// A finished file.
    pub fn new(path: TempPath, size: u64, media_type: Option<String>, taken: Taken) -> Self {
        Self { path: Arc::new(path), size, media_type, _taken: Arc::new(taken) }
    }

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
    taken: Taken,
}

/// What a guest knows as `blob-writer`.
pub type BlobWriterHandle = NewBlob;

impl NewBlob {
    /// An empty file that takes its bytes from this room.
    pub async fn create(room: &Room) -> Result<Self, Problem> {
        let made = tokio::task::spawn_blocking(tempfile::NamedTempFile::new).await;
        let made = made.map_err(|error| io(&error))?.map_err(|error| io(&error))?;
        let (file, path) = made.into_parts();
        Ok(Self { file: tokio::fs::File::from_std(file), path, size: 0, taken: room.nothing() })
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds bytes; `limit/blob-bytes` when there is no room for them.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.taken.take(bytes.len() as u64)?;
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).await.map_err(|error| io(&error))
    }

    /// Finishes it.
    pub async fn finish(mut self, media_type: Option<String>) -> Result<BlobHandle, Problem> {
        self.file.flush().await.map_err(|error| io(&error))?;
        Ok(BlobHandle::new(self.path, self.size, media_type, self.taken))
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
        let read = self.wait(work).await;
        self.gave(read.iter().map(|bytes| bytes.len() as u64).sum());
        Ok(read)
    }

    async fn lines(
        &mut self,
        blob: Resource<BlobHandle>,
    ) -> wasmtime::Result<Result<Resource<LineReaderHandle>, wit::Problem>> {
        self.enter()?;
        let blob = self.table.get(&blob)?.clone();
        let work = async { tokio::fs::File::open(&*blob.path).await.map_err(|error| io(&error)) };
        match self.wait(work).await {
            Ok(file) => Ok(Ok(self.push(LineReaderHandle { reader: BufReader::new(file), _blob: blob })?)),
            Err(refused) => Ok(Err(refused)),
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
        let room = self.room.clone();
        // The thread that inflates stops when nobody waits for it any more, whatever ended the wait.
        let stop = self.call.cancel.child_token();
        let _stop_with_this_call = stop.clone().drop_guard();
        let work = async move {
            let inflate = move || unzip(&blob, &entry, &room, &stop);
            tokio::task::spawn_blocking(inflate).await.map_err(|error| io(&error))?
        };
        match self.wait(work).await {
            Ok(blob) => Ok(Ok(self.push(blob)?)),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn drop(&mut self, blob: Resource<BlobHandle>) -> wasmtime::Result<()> {
        self.table.delete(blob)?;
        Ok(())
    }
}

impl blobs::HostBlobWriter for Guest {
    async fn new(&mut self) -> wasmtime::Result<Resource<BlobWriterHandle>> {
        self.enter()?;
        let writer = NewBlob::create(&self.room).await.map_err(wasmtime::Error::new)?;
        self.push(writer)
    }

    async fn append(
        &mut self,
        writer: Resource<BlobWriterHandle>,
        bytes: Vec<u8>,
    ) -> wasmtime::Result<Result<(), wit::Problem>> {
        self.enter()?;
        self.took(bytes.len() as u64);
        if bytes.len() > CHUNK_BYTES_MAX {
            return Ok(Err(problem(
                "limit/write-bytes",
                format!("add at most {CHUNK_BYTES_MAX} bytes at a time"),
            )));
        }
        let cancel = self.call.cancel.clone();
        let append = self.table.get_mut(&writer)?.append(&bytes);
        let written = unless_cancelled(&cancel, append).await;
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
        let copied = unless_cancelled(&cancel, copy).await;
        Ok(copied.map_err(|problem| self.problem(problem)))
    }

    async fn finish(
        &mut self,
        writer: Resource<BlobWriterHandle>,
    ) -> wasmtime::Result<Result<Resource<BlobHandle>, wit::Problem>> {
        self.enter()?;
        let writer = self.table.delete(writer)?;
        match self.wait(writer.finish(None)).await {
            Ok(blob) => Ok(Ok(self.push(blob)?)),
            Err(refused) => Ok(Err(refused)),
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
        let cancel = self.call.cancel.clone();
        let lines = unless_cancelled(&cancel, self.table.get_mut(&reader)?.next(max)).await;
        self.gave(lines.iter().map(Weigh::weight).sum());
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
        let cancel = self.call.cancel.clone();
        let reader = self.table.get_mut(&reader)?;
        let fields = reader.schema().to_vec();
        match unless_cancelled(&cancel, reader.next(max_rows as usize)).await {
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
