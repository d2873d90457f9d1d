# Loads adapters on their base models with PEFT, and prints the logits of the last position as JSON.
# Standard input: {"base": directory, "adapter": directory, "prompts": [[id, ...], ...]}
import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

asked = json.load(sys.stdin)
base = AutoModelForCausalLM.from_pretrained(asked["base"], dtype=torch.float32)
model = PeftModel.from_pretrained(base, asked["adapter"]).double().eval()
with torch.no_grad():
    logits = [model(torch.tensor([ids])).logits[0, -1].tolist() for ids in asked["prompts"]]
print("\nANSWERS" + json.dumps(logits))
