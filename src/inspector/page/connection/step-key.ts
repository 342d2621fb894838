/** What a step is found by: its name, and the item of the batch that it is of. */
export function stepKey({ step, item }: { readonly step: string; readonly item?: string | undefined }): string {
  return item === undefined ? step : `${step}\u0000${item}`
}
