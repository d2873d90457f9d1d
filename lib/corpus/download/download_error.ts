import { UserError } from "../../errors.ts";

/** A server does not provide a file, however often it is asked. */
export class DownloadError extends UserError {
  override readonly name: string = "DownloadError";
}

/** The file on the server is not the one that the bytes here came from. */
export class RemoteChangedError extends DownloadError {
  override readonly name = "RemoteChangedError";
}

/** What arrived is not the file that was requested. */
export class WrongFileError extends DownloadError {
  override readonly name = "WrongFileError";
}

/** Another process is downloading the same file to the same place. */
export class DownloadInUseError extends DownloadError {
  override readonly name = "DownloadInUseError";
}
