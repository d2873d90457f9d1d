# Loads exported models in transformers and llama.cpp, and prints their token ids and logits as JSON.
# Standard input, a list of: {"hf": directory, "gguf": path or null, "texts": [...], "prompts": [[id, ...], ...],
# "vocabulary": rows, "context": tokens}
import json
import sys
import urllib.request

import torch
import xllamacpp
from transformers import AutoModelForCausalLM, AutoTokenizer


def in_transformers(asked):
    model = AutoModelForCausalLM.from_pretrained(asked["hf"], dtype=torch.float32).double().eval()
    with torch.no_grad():
        logits = [model(torch.tensor([ids])).logits[0, -1].tolist() for ids in asked["prompts"]]
    result = {"model": type(model).__name__, "logits": logits, "eos": model.generation_config.eos_token_id}
    if asked["texts"]:
        tokenizer = AutoTokenizer.from_pretrained(asked["hf"])
        result["ids"] = [tokenizer(text)["input_ids"] for text in asked["texts"]]
        result["eos_token"] = tokenizer.eos_token
    return result


def in_llama_cpp(asked):
    params = xllamacpp.CommonParams()
    params.model.path = asked["gguf"]
    params.n_ctx = asked["context"]
    params.n_parallel = 1
    params.warmup = False
    params.cpuparams.n_threads = 2
    params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    server = xllamacpp.Server(params)

    def post(path, body):
        request = urllib.request.Request(
            server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return json.load(urllib.request.urlopen(request))

    def ids_of(text):
        return post("/tokenize", {"content": text, "add_special": False, "parse_special": True})["tokens"]

    # The server tells nothing of a token that is a part of a character, so another one is drawn. What it tells are the
    # probabilities without this bias.
    drawn = ids_of("a")[0]

    def logprobs(ids):
        body = {"prompt": ids, "n_predict": 1, "temperature": 0, "n_probs": asked["vocabulary"], "cache_prompt": False}
        body["logit_bias"] = [[drawn, 1000]]
        found = [None] * asked["vocabulary"]
        for entry in post("/completion", body)["completion_probabilities"][0]["top_logprobs"]:
            found[entry["id"]] = entry["logprob"]
        return found

    return {"logprobs": [logprobs(ids) for ids in asked["prompts"]], "ids": [ids_of(text) for text in asked["texts"]]}


answers = []
for asked in json.load(sys.stdin):
    answers.append({"hf": in_transformers(asked), "gguf": in_llama_cpp(asked) if asked["gguf"] else None})
# llama.cpp may have written to standard output.
print("\nANSWERS" + json.dumps(answers))
