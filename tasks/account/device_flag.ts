// A device by its name, however it is punctuated: rtx4090, RTX-4090, "rtx 4090".
import { DEVICE_NAMES, type DeviceName } from "../../lib/accounting/devices.ts";
import { UsageError } from "../cli/errors.ts";
import { nearest } from "../cli/nearest.ts";
import { shown } from "../cli/shown.ts";

const plain = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, "");

/** @throws {UsageError} If there is no such device, naming the nearest. */
export function deviceNamed(text: string): DeviceName {
  const byPlain = new Map(DEVICE_NAMES.map((name) => [plain(name), name]));
  const found = byPlain.get(plain(text));
  if (found !== undefined) return found;
  const near = nearest(plain(text), [...byPlain.keys()]);
  const meant = near === undefined ? "" : ` (did you mean ${byPlain.get(near)}?)`;
  throw new UsageError(
    `Cannot run account: got --device ${shown(text)}, must be a known one${meant}. See: deno task account --help`,
  );
}
