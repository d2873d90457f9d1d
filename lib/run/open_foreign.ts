import type { ForeignModel, ForeignModelOptions } from "../interchange/foreign_model.ts";
import { openGgufModel } from "../interchange/gguf/open_model.ts";
import { openHuggingFaceModel } from "../interchange/huggingface/open_model.ts";
import type { ModelPath } from "./model_path.ts";

/** Opens another library's model by the kind of its files. */
export async function openForeignModel(
  { kind, path }: ModelPath & { readonly kind: ForeignModel["format"] },
  options?: ForeignModelOptions,
): Promise<ForeignModel> {
  return kind === "gguf" ? await openGgufModel(path, options) : await openHuggingFaceModel(path, options);
}
