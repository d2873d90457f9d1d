import { UserError } from "../../errors.ts";

/** A file cannot be had from a server, however often it is asked. */
export class DownloadError extends UserError {
  override readonly name: string = "DownloadError";
}

/** The file on the server is not the one that the bytes at hand came from. */
export class RemoteChangedError extends DownloadError {
  override readonly name = "RemoteChangedError";
}

/** What came is not the file that was asked for. */
export class WrongFileError extends DownloadError {
  override readonly name = "WrongFileError";
}

/** Another process is downloading the same file to the same place. */
export class DownloadInUseError extends DownloadError {
  override readonly name = "DownloadInUseError";
}
