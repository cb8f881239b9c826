/** A configured visualisation. */
export interface Application {
  id: string
  title: string
  description?: string
  plugin: string
  configuration: Record<string, unknown> | null
  visibility: string
  updatedAt: string
  exposedUrl: string
  userPermissions: string[]
}
