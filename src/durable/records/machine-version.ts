/** Version of what the machines' states in stored records mean. It grows when a state or a field changes its meaning. */
export const machineVersion = 1
