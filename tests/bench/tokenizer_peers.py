"""Tokenizers that a user would otherwise pick, each in a process of its own, for `deno task bench tokenizer`.

  tokenizer_peers.py list                               the names that are installed
  tokenizer_peers.py train NAME TEXT VOCAB_SIZE         trains; files are not written (in the peers' favour)
  tokenizer_peers.py encode NAME TEXT TOKENIZER OUT     text to .npy on all threads
  tokenizer_peers.py single NAME TEXT TOKENIZER         prints seconds on one thread, the text in memory

TEXT is split at <|endoftext|>, as each of them needs it. quicktok and tiktoken bring vocabularies of their own.
"""
import importlib.util
import sys
import time

END = "<|endoftext|>"
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
TRAINERS = ["gigatoken", "gigabpe", "rustbpe", "tokenizers"]
ENCODERS = ["gigatoken", "tokie", "quicktok", "tiktoken", "tokenizers"]


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def train(name, path, vocab_size):
    if name == "gigatoken":
        import gigatoken
        gigatoken.train_bpe(gigatoken.TextFileSource([path], separator=END), vocab_size, [END])
    elif name == "gigabpe":
        import gigabpe
        gigabpe.train_bpe([path], vocab_size, special_tokens=[END], threads=2)
    elif name == "rustbpe":
        import rustbpe
        rustbpe.Tokenizer().train_from_iterator(iter(read(path).split(END)), vocab_size, pattern=GPT2)
    else:
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        options = dict(vocab_size=vocab_size, special_tokens=[END], initial_alphabet=alphabet, show_progress=False)
        tokenizer.train([path], trainers.BpeTrainer(**options))


def encoder(name, tokenizer):
    """Two functions from a list of documents to lists of ids: on one thread, and on all."""
    if name == "gigatoken":
        import gigatoken
        g = gigatoken.Tokenizer(tokenizer)
        # All documents' ids in one array: to take it apart here would cost more than it took to make.
        return (lambda docs: [g.encode_batch(docs, parallel=False)]), None
    if name == "tokie":
        import tokie
        t = tokie.Tokenizer.from_json(tokenizer)
        one = lambda docs: (t.encode(d, add_special_tokens=False).ids for d in docs)
        return one, lambda docs: (e.ids for e in t.encode_batch(docs, add_special_tokens=False))
    if name == "quicktok":
        import quicktok
        q = quicktok.get_encoding("cl100k_base")
        return (lambda docs: (q.encode_ordinary(d) for d in docs)), q.encode_batch
    if name == "tiktoken":
        import tiktoken
        e = tiktoken.Encoding("file", pat_str=GPT2, mergeable_ranks=ranks(tokenizer), special_tokens={})
        return (lambda docs: (e.encode_ordinary(d) for d in docs)), lambda docs: e.encode_ordinary_batch(docs, num_threads=2)
    from tokenizers import Tokenizer
    t = Tokenizer.from_file(tokenizer)
    return (lambda docs: (t.encode(d).ids for d in docs)), lambda docs: (e.ids for e in t.encode_batch_fast(docs))


def ranks(tokenizer):
    """tiktoken's table of bytes by rank, from a tokenizer.json whose ids follow its merges."""
    import json
    model = json.load(open(tokenizer, encoding="utf-8"))["model"]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    byte_of = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(rest)}
    tokens = sorted((id, token) for token, id in model["vocab"].items() if token != END)
    return {bytes(byte_of[c] for c in token): rank for rank, (_, token) in enumerate(tokens)}


def main(mode, name=None, *args):
    if mode == "list":
        found = [n for n in dict.fromkeys(TRAINERS + ENCODERS) if importlib.util.find_spec(n)]
        print(" ".join(found))
    elif mode == "train":
        train(name, args[0], int(args[1]))
    elif mode == "encode" and name == "gigatoken":
        # It reads the file itself, which is its fastest way.
        import awkward
        import gigatoken
        import numpy as np
        source = gigatoken.TextFileSource([args[0]], separator=END)
        ids = gigatoken.Tokenizer(args[1]).encode_files(source)
        np.save(args[2], np.asarray(awkward.flatten(ids)).astype(np.uint16))
    elif mode == "encode":
        import numpy as np
        _, batch = encoder(name, args[1])
        dtype = np.uint32 if name == "quicktok" else np.uint16
        ids = [np.asarray(x, dtype) for x in batch(read(args[0]).split(END))]
        np.save(args[2], np.concatenate(ids))
    else:
        docs = read(args[0]).split(END)
        single, _ = encoder(name, args[1])
        best = min(timed(single, docs) for _ in range(2))
        print(best)


def timed(single, docs):
    start = time.perf_counter()
    for _ in single(docs):
        pass
    return time.perf_counter() - start


main(*sys.argv[1:])
