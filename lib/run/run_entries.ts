// The files of a run's directory: nothing else in it is ever removed.
import { call } from "../errors.ts";
import { hasJsonKeys } from "../io/has_json_keys.ts";
import type { OwnEntries } from "../io/own_entries.ts";
import { TOKENIZER_ENTRIES } from "../formats/tokenizer_dir.ts";
import { ADAPTER_FILES } from "../interchange/huggingface/write_adapter.ts";
import { FILES } from "./checkpoint_record.ts";

/** The files of a checkpoint. */
export const CHECKPOINT_ENTRIES: OwnEntries = { what: "a checkpoint", files: Object.values(FILES) };

/** The entries of the checkpoints' directory. */
export const CHECKPOINTS_ENTRIES: OwnEntries = {
  what: "checkpoints",
  files: [],
  directories: [[/^step-\d{9,}$/, CHECKPOINT_ENTRIES]],
};

/** The names of a run's files; the tokenizer's files are beside them. */
export const RUN_FILES = {
  config: "config.json",
  /** The weights when training ended or was interrupted. */
  weights: "model.safetensors",
  /** The weights with the lowest validation loss. */
  best: "best.safetensors",
  /** Of a run that trains adapters: these at its end, as PEFT reads them. The weights have them merged. */
  adapter: ADAPTER_FILES.weights,
  adapterConfig: ADAPTER_FILES.config,
  metrics: "metrics.jsonl",
  checkpoints: "checkpoints",
  report: "report.html",
} as const;

/** The entries of a run's directory. */
export const RUN_ENTRIES: OwnEntries = {
  what: "a run",
  files: [...Object.values(RUN_FILES).filter((name) => name !== RUN_FILES.checkpoints), ...TOKENIZER_ENTRIES.files],
  directories: [[new RegExp(`^${RUN_FILES.checkpoints}$`), CHECKPOINTS_ENTRIES]],
  isOwn: async (directory) => {
    const path = `${directory}/${RUN_FILES.config}`;
    return await hasJsonKeys(path, ["model", "training"]) || await hasJsonKeys(path, ["model", "imported"]);
  },
  restoredBy: (directory) => call("trainRun", { path: directory }),
};
