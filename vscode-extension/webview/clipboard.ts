// Copying where there is no editor to do it: a report on a reader's disk.
// What must not live here: what is copied.

/** Copies a text. A page opened from a file may lack the clipboard's API; then the selection's own copying does it. */
export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const take = (event: ClipboardEvent) => {
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
    };
    document.addEventListener("copy", take, { once: true });
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way without the API
    document.execCommand("copy");
    document.removeEventListener("copy", take);
  }
}
