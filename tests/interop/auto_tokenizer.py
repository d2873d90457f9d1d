"""Prints, as JSON, what transformers' AutoTokenizer makes of a tokenizer's directory: its tokens, and ids of texts."""
import json
import sys

from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
texts = json.load(sys.stdin)
print(json.dumps({
    "eos": tokenizer.eos_token, "bos": tokenizer.bos_token, "pad": tokenizer.pad_token,
    "ids": [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts],
    "decoded": [tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts],
}))
