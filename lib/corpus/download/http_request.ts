// One HTTP request, with redirects that do not lower security. Tells permanent errors from those that a retry may fix.
import { lookup } from "node:dns/promises";
import { errorCodeOf } from "../../io/error_code.ts";
import { excerpt } from "../../io/excerpt.ts";
import { DownloadError } from "./download_error.ts";

/** The most redirects in a row. Source: Fetch standard, "HTTP-redirect fetch". */
const MAX_REDIRECTS = 20;

const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Reads an address.
 * @throws {DownloadError} If it is not a web address.
 */
export function parseAddress(address: string): URL {
  const url = URL.parse(address);
  if (url !== null && (url.protocol === "https:" || url.protocol === "http:")) return url;
  throw new DownloadError(
    `Cannot download ${excerpt(address)}: got no web address, must begin with https:// or http://. Check it`,
  );
}

/**
 * Requests `address` with GET. Redirects are followed to `https:` addresses, and from `http:` to the same host.
 *
 * @throws {DownloadError} If a redirect leads elsewhere, or there is no such host.
 * @throws {TypeError} If the server cannot be reached, which may pass.
 */
export async function request(address: string, init: RequestInit): Promise<Response> {
  let url = parseAddress(address);
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await requestOnce(url, address, init);
    const location = REDIRECTS.includes(response.status) ? response.headers.get("location") : null;
    if (location === null) return response;
    await response.body?.cancel();
    const next = URL.parse(location, url);
    if (next === null || !isSafeRedirect(url, next)) {
      throw new DownloadError(
        `Cannot download ${address}: got a redirect to ${excerpt(location)}, must lead to an https address. ` +
          "Check the address, or use another mirror",
      );
    }
    url = next;
  }
  throw new DownloadError(
    `Cannot download ${address}: got more than ${MAX_REDIRECTS} redirects, must lead to a file. Check the address`,
  );
}

/** Whether a redirect may be followed: a secure connection stays secure, and an insecure one stays on its host. */
export function isSafeRedirect(from: URL, to: URL): boolean {
  return to.protocol === "https:" || (to.protocol === "http:" && from.protocol === "http:" && to.host === from.host);
}

async function requestOnce(url: URL, address: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: "manual" });
  } catch (error) {
    if (!(error instanceof TypeError) || !await isUnknownHost(url.hostname)) throw error;
    throw new DownloadError(
      `Cannot download ${address}: got no host named ${url.hostname}, must be a server's. Check the address`,
    );
  }
}

async function isUnknownHost(hostname: string): Promise<boolean> {
  try {
    await lookup(hostname.replace(/^\[|\]$/g, ""));
    return false;
  } catch (error) {
    return errorCodeOf(error) === "ENOTFOUND";
  }
}
