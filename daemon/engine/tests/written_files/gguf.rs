//! Writes small GGUF files for tests, and remembers where their counts, lengths, types and offsets stand.
//! What must not live here: expectations; a test says what its file must lead to.

/// Bytes of a GGUF file in the making.
#[derive(Clone, Debug, Default)]
pub(crate) struct GgufBytes {
    version: u32,
    entries: Vec<u8>,
    n_entries: u64,
    tensors: Vec<(String, Vec<u64>, u32, Vec<u8>)>,
    /// Offset in `entries` and width of every integer that a reader must not believe.
    fields: Vec<(usize, usize)>,
}

/// A finished file, with the offset and width of every integer that a reader must not believe.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) bytes: Vec<u8>,
    pub(crate) fields: Vec<(usize, usize)>,
}

const ALIGNMENT: usize = 32;

impl GgufBytes {
    pub(crate) fn new(version: u32) -> Self {
        Self { version, ..Self::default() }
    }

    fn integer(&mut self, bytes: &[u8]) {
        self.fields.push((self.entries.len(), bytes.len()));
        self.entries.extend_from_slice(bytes);
    }

    fn string(&mut self, text: &str) {
        self.integer(&(text.len() as u64).to_le_bytes());
        self.entries.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, key: &str, kind: u32) {
        self.n_entries += 1;
        self.string(key);
        self.integer(&kind.to_le_bytes());
    }

    fn array(&mut self, key: &str, kind: u32, n: usize) {
        self.key(key, 9);
        self.integer(&kind.to_le_bytes());
        self.integer(&(n as u64).to_le_bytes());
    }

    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key, 8);
        self.string(value);
        self
    }

    pub(crate) fn u32(mut self, key: &str, value: u32) -> Self {
        self.key(key, 4);
        self.integer(&value.to_le_bytes());
        self
    }

    pub(crate) fn flag(mut self, key: &str, value: bool) -> Self {
        self.key(key, 7);
        self.integer(&[u8::from(value)]);
        self
    }

    pub(crate) fn texts<T: AsRef<str>>(mut self, key: &str, values: &[T]) -> Self {
        self.array(key, 8, values.len());
        for value in values {
            self.string(value.as_ref());
        }
        self
    }

    pub(crate) fn i32s(mut self, key: &str, values: &[i32]) -> Self {
        self.array(key, 5, values.len());
        for value in values {
            self.entries.extend_from_slice(&value.to_le_bytes());
        }
        self
    }

    pub(crate) fn f32s(mut self, key: &str, values: &[f32]) -> Self {
        self.array(key, 6, values.len());
        for value in values {
            self.entries.extend_from_slice(&value.to_le_bytes());
        }
        self
    }

    /// `shape` as GGUF has it: innermost axis first.
    pub(crate) fn tensor(mut self, name: &str, shape: &[u64], kind: u32, data: &[u8]) -> Self {
        self.tensors.push((name.to_owned(), shape.to_vec(), kind, data.to_vec()));
        self
    }

    pub(crate) fn finish(self) -> Written {
        let n_tensors = self.tensors.len() as u64;
        let head = Self::new(self.version);
        let mut all = head;
        all.entries.extend_from_slice(b"GGUF");
        all.integer(&self.version.to_le_bytes());
        all.integer(&n_tensors.to_le_bytes());
        all.integer(&self.n_entries.to_le_bytes());
        let shift = all.entries.len();
        all.fields.extend(self.fields.iter().map(|&(at, width)| (at + shift, width)));
        all.entries.extend_from_slice(&self.entries);
        let mut offset = 0u64;
        for (name, shape, kind, data) in &self.tensors {
            all.string(name);
            all.integer(&(shape.len() as u32).to_le_bytes());
            for axis in shape {
                all.integer(&axis.to_le_bytes());
            }
            all.integer(&kind.to_le_bytes());
            all.integer(&offset.to_le_bytes());
            offset += data.len().next_multiple_of(ALIGNMENT) as u64;
        }
        let mut bytes = all.entries;
        for (.., data) in &self.tensors {
            bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
            bytes.extend_from_slice(data);
        }
        Written { bytes, fields: all.fields }
    }
}
