/// What an org may use of the event bus, by edition.
public struct EventAllocations: Sendable, Hashable {
    /// Entities selected for change data capture, over all channels.
    public var selectedEntities = 5
    /// Custom channels, of change events and of platform events each.
    public var customChannels = 100
    /// Platform events that the org defines.
    public var platformEventDefinitions = 100
    /// Distinct custom platform events on channels.
    public var platformEventsInChannels = 50
    public var managedSubscriptions = 200
    /// Clients connected over CometD at once.
    public var cometDClients = 2_000
    /// Events delivered in 24 rolling hours, summed over all subscribers.
    public var deliveriesPerDay = 50_000
    /// PushTopic events in 24 rolling hours to all CometD clients, and generic events: the Streaming API guide's
    /// "Streaming API Allocations" have a number for each, beside those of the bus.
    public var pushTopicDeliveriesPerDay = 1_000_000
    public var genericDeliveriesPerDay = 1_000_000
    /// Platform events published in a rolling hour.
    public var publishedPerHour = 250_000
    /// False: deliveries and publishing are counted and reported, and nothing is refused. So are they in an org with the
    /// usage-based add-on, whose excess is billed.
    public var isEnforced = true

    public init() {}

    /// Performance and Unlimited Edition.
    public static let unlimited = EventAllocations()

    public static let enterprise: EventAllocations = {
        var allocations = EventAllocations()
        allocations.platformEventDefinitions = 50
        allocations.cometDClients = 1_000
        allocations.deliveriesPerDay = 25_000
        allocations.pushTopicDeliveriesPerDay = 200_000
        allocations.genericDeliveriesPerDay = 200_000
        return allocations
    }()

    public static let developer: EventAllocations = {
        var allocations = EventAllocations()
        allocations.platformEventDefinitions = 5
        allocations.platformEventsInChannels = 5
        allocations.cometDClients = 20
        allocations.deliveriesPerDay = 10_000
        allocations.pushTopicDeliveriesPerDay = 10_000
        allocations.genericDeliveriesPerDay = 10_000
        allocations.publishedPerHour = 50_000
        return allocations
    }()

    /// Unlimited Edition with the usage-based add-on: what load tests want.
    public static let addOn: EventAllocations = {
        var allocations = EventAllocations()
        allocations.isEnforced = false
        return allocations
    }()

    func deliveriesPerDay(of kind: DeliveryKind) -> Int {
        switch kind {
        case .busEvent: deliveriesPerDay
        case .pushTopic: pushTopicDeliveriesPerDay
        case .generic: genericDeliveriesPerDay
        }
    }
}
