import { useEffect } from 'preact/hooks'

/** What pointers and wheels do to something that can be moved and zoomed. */
export interface Movable {
  readonly onMove: (byX: number, byY: number) => void
  readonly onZoom?: (factor: number, x: number, y: number) => void
  readonly onClick: (x: number, y: number) => void
  /** Whether there is something to click on. */
  readonly onHover?: (x: number, y: number) => boolean
}

/** Dragging moves, the wheel zooms (with Shift it moves), two fingers do both. */
export function usePointer(element: HTMLElement | null, movable: Movable): void {
  useEffect(() => {
    if (element === null) return
    const points = new Map<number, { x: number; y: number }>()
    let travelled = 0
    const at = (event: MouseEvent): { x: number; y: number } => {
      const { left, top } = element.getBoundingClientRect()
      return { x: event.clientX - left, y: event.clientY - top }
    }
    const onDown = (event: PointerEvent): void => {
      // What stands on it has clicks of its own.
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest('button') !== null)) return
      element.setPointerCapture(event.pointerId)
      if (points.size === 0) travelled = 0
      points.set(event.pointerId, at(event))
    }
    const onMove = (event: PointerEvent): void => {
      const now = at(event)
      const before = points.get(event.pointerId)
      if (before === undefined) {
        if (movable.onHover !== undefined) element.style.cursor = movable.onHover(now.x, now.y) ? 'pointer' : ''
        return
      }
      const other = [...points].find(([id]) => id !== event.pointerId)?.[1]
      points.set(event.pointerId, now)
      travelled += Math.hypot(now.x - before.x, now.y - before.y)
      if (other !== undefined && movable.onZoom !== undefined) {
        const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.hypot(before.x - other.x, before.y - other.y)
        if (Number.isFinite(factor) && factor > 0) movable.onZoom(factor, (now.x + other.x) / 2, (now.y + other.y) / 2)
        return
      }
      if (travelled > 4) movable.onMove(now.x - before.x, now.y - before.y)
    }
    const onUp = (event: PointerEvent): void => {
      if (!points.delete(event.pointerId) || event.type === 'pointercancel') return
      if (travelled <= 4 && points.size === 0) {
        const { x, y } = at(event)
        movable.onClick(x, y)
      }
    }
    const onWheel = (event: WheelEvent): void => {
      const size = event.deltaMode === 1 ? 16 : 1
      const { x, y } = at(event)
      if (event.shiftKey || movable.onZoom === undefined) movable.onMove(-event.deltaX * size, -event.deltaY * size)
      else movable.onZoom(Math.exp((-event.deltaY * size) / (event.ctrlKey ? 100 : 500)), x, y)
      event.preventDefault()
    }
    element.addEventListener('pointerdown', onDown)
    element.addEventListener('pointermove', onMove)
    element.addEventListener('pointerup', onUp)
    element.addEventListener('pointercancel', onUp)
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => {
      element.removeEventListener('pointerdown', onDown)
      element.removeEventListener('pointermove', onMove)
      element.removeEventListener('pointerup', onUp)
      element.removeEventListener('pointercancel', onUp)
      element.removeEventListener('wheel', onWheel)
    }
  }, [element, movable])
}
