/// Which allocation a delivery counts against: an org has one for the events of the bus and one for each kind that only
/// CometD has.
enum DeliveryKind: Sendable, Hashable {
    /// A change event or platform event, to whatever client.
    case busEvent
    case pushTopic
    case generic

    /// Of a channel that only CometD has.
    init(channel: String) { self = channel.hasPrefix(StreamingRules.channelPrefix) ? .generic : .pushTopic }

    var usageType: UsageLedger.UsageType {
        switch self {
        case .busEvent: .delivery
        case .pushTopic: .pushTopicDelivery
        case .generic: .genericDelivery
        }
    }
}
