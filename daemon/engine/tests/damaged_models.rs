//! Models that are cut off, lack tensors, or have them in other shapes, through the whole loader: every one is refused with its
//! file and field, and none is half-loaded.
#![expect(clippy::unwrap_used, reason = "a test program: what cannot be set up fails the test")]

#[path = "written_files/gguf.rs"]
#[allow(dead_code, reason = "no tokenizers here, and no mutations")]
mod gguf;
#[path = "written_files/model.rs"]
mod written_model;

use limpid_engine::{
    cancel::CancelToken,
    device::Compute,
    error::EngineError,
    forward::Watch,
    memory::MemoryBudget,
    model_pool,
    model_store::{ModelFiles, Weights},
    trace::CapturePlan,
};
use safetensors::{SafeTensors, tensor::TensorView};
use std::path::Path;
use written_model::{FOLDERS, GGUF_FAMILIES, folder, gguf, tensors};

/// Opens and loads a model and runs it on three tokens.
fn run(weights: Weights) -> Result<(), EngineError> {
    let opened = model_pool::open(&ModelFiles { name: "damaged".to_owned(), weights })?;
    let loaded = model_pool::load(opened, &Compute::cpu(), MemoryBudget(1 << 30), &|_, _| {})?;
    let watch = Watch { cancel: &CancelToken::default(), progress: &|_, _| {} };
    let trace = loaded.model.forward(&[1, 5, 2], None, CapturePlan::Whole, watch)?;
    let resid = trace.resid_after(loaded.model.spec.n_layers).tensor()?;
    loaded.model.logits(&resid).map(drop)
}

/// The refusal of a file or folder, which names it.
fn refusal(weights: Weights, what: &str) -> String {
    let name = weights.path().file_name().unwrap().to_string_lossy().into_owned();
    let Err(error) = run(weights) else { panic!("{what} was taken") };
    let error = error.to_string();
    assert!(error.contains(&name) && error.lines().count() == 1, "{what}: {error}");
    assert!(error.len() < 1000, "{what}: {error}");
    error
}

fn written(folder: &Path, bytes: &[u8]) -> Weights {
    let path = folder.join("model.gguf");
    std::fs::write(&path, bytes).unwrap();
    Weights::Gguf(path)
}

#[test]
fn a_gguf_model_cut_at_any_byte_is_refused() {
    let place = tempfile::tempdir().unwrap();
    for family in GGUF_FAMILIES {
        let whole = gguf(family, &tensors(family)).bytes;
        run(written(place.path(), &whole)).unwrap();
        for cut in 0..whole.len() {
            refusal(written(place.path(), &whole[..cut]), &format!("{family} cut at {cut}"));
        }
    }
}

#[test]
fn a_gguf_model_that_lacks_a_tensor_or_has_it_in_another_shape_names_it() {
    let place = tempfile::tempdir().unwrap();
    for family in GGUF_FAMILIES {
        let all = tensors(family);
        for (index, (name, _)) in all.iter().enumerate() {
            let mut without = all.clone();
            without.remove(index);
            let error = refusal(written(place.path(), &gguf(family, &without).bytes), name);
            assert!(error.contains(&format!("{name}: tensor is missing")), "{family}: {error}");
            let mut other = all.clone();
            *other[index].1.last_mut().unwrap() += 1;
            let error = refusal(written(place.path(), &gguf(family, &other).bytes), name);
            assert!(error.contains(&format!("{name}: has shape [")), "{family}: {error}");
        }
    }
}

#[test]
fn a_gguf_model_that_lacks_a_key_names_it_as_the_file_would() {
    let place = tempfile::tempdir().unwrap();
    for family in GGUF_FAMILIES {
        let whole = gguf(family, &tensors(family)).bytes;
        for key in ["embedding_length", "block_count", "attention.head_count"] {
            let key = format!("{family}.{key}");
            let at = whole.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
            let mut other = whole.clone();
            other[at] = b'x';
            let error = refusal(written(place.path(), &other), &key);
            assert!(error.contains(&format!("{key}: is missing")), "{error}");
            other = whole.clone();
            other[at + key.len() + 4..at + key.len() + 8].fill(0);
            let error = refusal(written(place.path(), &other), &key);
            assert!(error.contains(&format!("{key}: must be a whole number from 1")), "{error}");
        }
    }
}

/// A copy of a golden folder with other weights.
fn copied(place: &Path, family: &str, weights: &[u8]) -> Weights {
    std::fs::copy(folder(family).join("config.json"), place.join("config.json")).unwrap();
    std::fs::write(place.join("model.safetensors"), weights).unwrap();
    Weights::Folder(place.to_owned())
}

#[test]
fn a_folder_whose_weights_are_cut_is_refused() {
    let place = tempfile::tempdir().unwrap();
    for family in FOLDERS {
        let whole = std::fs::read(folder(family).join("model.safetensors")).unwrap();
        run(copied(place.path(), family, &whole)).unwrap();
        // Every byte of the length and of the start of the header, then here and there to the end.
        let cuts =
            (0..300).chain((300..whole.len()).step_by(whole.len() / 200)).chain([whole.len() - 1]);
        for cut in cuts {
            let error = run(copied(place.path(), family, &whole[..cut])).unwrap_err().to_string();
            assert!(
                error.contains("model.safetensors: header: "),
                "{family} cut at {cut}: {error}"
            );
        }
    }
}

#[test]
fn a_folder_that_lacks_a_tensor_or_has_it_in_another_shape_names_it() {
    let place = tempfile::tempdir().unwrap();
    for family in FOLDERS {
        let whole = std::fs::read(folder(family).join("model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&whole).unwrap();
        let mut n_needed = 0;
        for name in file.names() {
            let view = |n: &str| file.tensor(n).unwrap();
            let without = file.names().into_iter().filter(|n| *n != name).map(|n| (n, view(n)));
            let bytes = safetensors::serialize(without, None).unwrap();
            let Err(error) = run(copied(place.path(), family, &bytes)) else {
                // Buffers of old files that no family reads.
                continue;
            };
            n_needed += 1;
            assert!(
                error.to_string().contains(&format!("{name}: tensor is missing")),
                "{family}: {error}"
            );
            let longer: Vec<u8> = [view(name).data(), &[0; 4]].concat();
            let other = |n| {
                if n == name {
                    (n, TensorView::new(view(n).dtype(), vec![longer.len() / 4], &longer).unwrap())
                } else {
                    (n, view(n))
                }
            };
            let bytes = safetensors::serialize(file.names().into_iter().map(other), None).unwrap();
            let error = run(copied(place.path(), family, &bytes)).unwrap_err().to_string();
            assert!(error.contains(&format!("{name}: has shape [")), "{family}: {error}");
        }
        assert!(n_needed > 10, "{family}: {n_needed}");
    }
}

#[test]
fn weights_that_are_no_numbers_are_named_by_hook_and_layer() {
    let place = tempfile::tempdir().unwrap();
    for (family, tensor, hook) in [
        ("llama", "model.layers.1.self_attn.o_proj.weight", "blocks.1.hook_resid_post"),
        ("llama", "model.embed_tokens.weight", "hook_embed"),
        ("llama", "model.norm.weight", "logits"),
        ("gpt2", "transformer.h.0.mlp.c_proj.bias", "blocks.0.hook_resid_post"),
        ("gemma3_text", "model.norm.weight", "logits"),
    ] {
        let whole = std::fs::read(folder(family).join("model.safetensors")).unwrap();
        let file = SafeTensors::deserialize(&whole).unwrap();
        let data = file.tensor(tensor).unwrap().data();
        let at = data.as_ptr().addr() - whole.as_ptr().addr();
        let place_of_it = at..at + data.len();
        let mut broken = whole.clone();
        for value in broken[place_of_it].as_chunks_mut::<4>().0 {
            *value = f32::NAN.to_le_bytes();
        }
        let error = run(copied(place.path(), family, &broken)).unwrap_err();
        assert_eq!(error.code(), "not-finite", "{family}: {error}");
        assert!(error.to_string().starts_with(&format!("{hook} has a value")), "{error}");
    }
}

#[test]
fn what_stands_in_a_small_files_place_is_not_read_without_end() {
    let place = tempfile::tempdir().unwrap();
    let weights = std::fs::read(folder("llama").join("model.safetensors")).unwrap();
    let model = copied(place.path(), "llama", &weights);
    let put = |name: &str, bytes: &[u8]| std::fs::write(place.path().join(name), bytes).unwrap();
    put("config.json", &vec![b' '; (16 << 20) + 1]);
    assert!(
        run(model.clone()).unwrap_err().to_string().contains("config.json: file: is longer than")
    );
    put("config.json", &[b"[".repeat(100_000), b"]".repeat(100_000)].concat());
    assert!(run(model.clone()).unwrap_err().to_string().contains("config.json: json: "));
    put("config.json", b"[1]");
    assert!(run(model.clone()).unwrap_err().to_string().contains("json: must be an object"));
    copied(place.path(), "llama", &weights);
    put("tokenizer.json", b"{\"model\":");
    assert!(run(model.clone()).unwrap_err().to_string().contains("tokenizer.json: tokenizer: "));
    std::fs::remove_file(place.path().join("tokenizer.json")).unwrap();
    #[cfg(unix)]
    {
        std::fs::remove_file(place.path().join("config.json")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", place.path().join("config.json")).unwrap();
        assert!(run(model).unwrap_err().to_string().contains("is not a regular file"));
    }
}
