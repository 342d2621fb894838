/** Which step's, of which item: a key for what there is of each. */
export function placeOf({ step, item }: { readonly step: string; readonly item: string | undefined }): string {
  return JSON.stringify([step, item])
}
