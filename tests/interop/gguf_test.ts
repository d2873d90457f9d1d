// What is written here, read by the Python package gguf: BYTELM_INTEROP=1 BYTELM_PYTHON=python3 deno test -A tests/interop
import { assertEquals } from "@std/assert";
import { type GgufTensorToWrite, writeGguf } from "../../lib/formats/gguf/write_gguf.ts";
import { inTemporaryDirectory } from "../harness/temporary_directory.ts";

const SCRIPT = `
import json, sys
import gguf
import numpy as np

reader = gguf.GGUFReader(sys.argv[1])
fields = {
    name: field.contents() for name, field in reader.fields.items() if not name.startswith("GGUF.")
}
tensors = {
    tensor.name: {
        "type": tensor.tensor_type.name,
        "shape": [int(n) for n in reversed(tensor.shape)],
        "values": gguf.quants.dequantize(tensor.data, tensor.tensor_type).ravel().astype(np.float64).tolist(),
    }
    for tensor in reader.tensors
}
print(json.dumps({"alignment": int(reader.alignment), "fields": fields, "tensors": tensors}))
`;

Deno.test({
  name: "the Python package gguf reads what writeGguf() writes",
  ignore: Deno.env.get("BYTELM_INTEROP") !== "1",
  fn: () =>
    inTemporaryDirectory(async (dir) => {
      const path = `${dir}/model.gguf`;
      const numbers = Float32Array.from({ length: 128 }, (_, i) => (i * 37 % 255 - 127) / 4);
      const tensors: GgufTensorToWrite[] = [
        { name: "blk.0.attn_q.weight", dtype: "F32", shape: [2, 64], data: numbers },
        { name: "blk.0.ffn_up.weight", dtype: "F16", shape: [4, 32], data: numbers },
        { name: "token_embd.weight", dtype: "Q8_0", shape: [4, 32], data: numbers },
        { name: "output_norm.weight", dtype: "F32", shape: [128], data: numbers },
      ];
      await writeGguf(path, tensors, [
        ["general.architecture", { type: "string", value: "llama" }],
        ["general.alignment", { type: "uint32", value: 64 }],
        ["llama.rope.freq_base", { type: "float32", value: 10000 }],
        ["tokenizer.ggml.tokens", { type: "array", of: "string", value: ["<|end|>", "Ġthe", "界"] }],
        ["tokenizer.ggml.token_type", { type: "array", of: "int32", value: [3, 1, 1] }],
        ["tokenizer.ggml.add_bos_token", { type: "bool", value: false }],
        ["big", { type: "uint64", value: 2n ** 40n }],
      ]);
      const command = new Deno.Command(Deno.env.get("BYTELM_PYTHON") ?? "python3", { args: ["-c", SCRIPT, path] });
      const { success, stdout, stderr } = await command.output();
      assertEquals(success, true, new TextDecoder().decode(stderr));
      const read = JSON.parse(new TextDecoder().decode(stdout));
      assertEquals(read.alignment, 64);
      assertEquals(read.fields, {
        "general.architecture": "llama",
        "general.alignment": 64,
        "llama.rope.freq_base": 10000,
        "tokenizer.ggml.tokens": ["<|end|>", "Ġthe", "界"],
        "tokenizer.ggml.token_type": [3, 1, 1],
        "tokenizer.ggml.add_bos_token": false,
        big: 2 ** 40,
      });
      for (const { name, dtype, shape } of tensors) {
        const { type, shape: gotShape, values } = read.tensors[name];
        assertEquals([type, gotShape], [dtype, shape], name);
        const worst = Math.max(...numbers.map((value, i) => Math.abs(value - values[i])));
        assertEquals(worst <= (dtype === "Q8_0" ? 0.13 : 0), true, `${name}: ${worst}`);
      }
    }),
});
