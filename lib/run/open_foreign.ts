import { type ForeignModel, type ForeignModelOptions } from "../interchange/foreign_model.ts";
import { openHuggingFaceModel } from "../interchange/huggingface/open_model.ts";
import type { ModelPath } from "./model_path.ts";

/** Opens another library's model by the kind of its files. */
export async function openForeignModel(
  { path }: ModelPath & { readonly kind: ForeignModel["format"] },
  options?: ForeignModelOptions,
): Promise<ForeignModel> {
  return await openHuggingFaceModel(path, options);
}
