import Doors
import Twin
import Upstream

/// What the bridge's parts count, as Prometheus sees it: read at scrape time, so that counting costs nothing extra.
struct BridgeMetrics: Sendable {
    var upstream: Upstream
    var hub: PushHub
    var twin: Twin

    func register(in registry: MetricsRegistry) {
        registry.collect { writer in
            write(upstream.status, into: &writer)
            write(hub.statistics(), into: &writer)
            writer.gauge(
                "millrace_open_gaps", help: "Entries of the table of gaps that are not mended yet.",
                value: twin.openGaps)
            let published = hub.bus.publishedCounts
            for (outcome, count) in [("accepted", published.accepted), ("refused", published.refused)] {
                writer.counter(
                    "millrace_published_events_total", help: "Events of clients handed on to the org, by its answer.",
                    labels: ["outcome": outcome], value: UInt64(count))
            }
        }
    }

    private func write(_ status: Upstream.Status, into writer: inout MetricsWriter) {
        writer.counter(
            "millrace_upstream_logins_total", help: "Access tokens got from the org.", value: UInt64(status.loginCount))
        for topic in status.topics {
            writer.counter(
                "millrace_upstream_deliveries_total",
                help: "Events delivered by the org: what counts against its daily allocation.",
                labels: ["topic": topic.name], value: UInt64(topic.deliveries))
            writer.counter(
                "millrace_upstream_reconnects_total", help: "Streams opened again after one had ended.",
                labels: ["topic": topic.name], value: UInt64(topic.reconnects))
            writer.counter(
                "millrace_upstream_gaps_total",
                help: "Places where events were lost for good, each declared to listeners.",
                labels: ["topic": topic.name], value: UInt64(topic.gaps))
            writer.gauge(
                "millrace_upstream_outstanding", help: "Events asked for and not delivered yet.",
                labels: ["topic": topic.name], value: topic.outstanding)
            writer.gauge(
                "millrace_upstream_live", help: "1 while the stream is live.", labels: ["topic": topic.name],
                value: topic.state == .live ? 1 : 0)
            guard let age = topic.lastMessageAge else { continue }
            writer.gauge(
                Lag.ageMetric, help: "Since the last message of the org, keepalives included; absent before the first.",
                labels: ["topic": topic.name], value: age / .seconds(1))
        }
    }

    private func write(_ statistics: PushStatistics, into writer: inout MetricsWriter) {
        writer.gauge(
            "millrace_push_connections", help: "Connections open now.", labels: ["transport": "websocket"],
            value: statistics.webSockets)
        writer.gauge(
            "millrace_push_connections", help: "Connections open now.", labels: ["transport": "sse"],
            value: statistics.eventSources)
        writer.gauge("millrace_push_subscriptions", help: "Subscriptions open now.", value: statistics.subscriptions)
        writer.gauge(
            "millrace_push_frames_queued", help: "Frames that wait for slow clients.", value: statistics.framesQueued)
        writer.gauge(
            "millrace_push_connections_behind", help: "Connections that catch up from the log.",
            value: statistics.connectionsBehind)
        for (name, help, value) in [
            ("millrace_push_deliveries_total", "Messages event and left handed to connections.", statistics.deliveries),
            (
                "millrace_push_direct_deliveries_total",
                "What the same subscriptions would have cost at the org: each event once per subscription of its channel.",
                statistics.directDeliveries
            ),
            (
                "millrace_push_frames_total", "Frames composed; deliveries / frames is what sharing saves.",
                statistics.framesMade
            ),
            ("millrace_push_sent_bytes_total", "Bytes written to sockets.", statistics.bytesSent),
            ("millrace_push_sends_total", "System calls that wrote to sockets.", statistics.sends),
            ("millrace_push_accepted_total", "Connections taken.", statistics.connectionsAccepted),
            ("millrace_push_refused_total", "Connections answered with an HTTP error.", statistics.connectionsRefused),
            ("millrace_push_messages_total", "Messages received from clients.", statistics.messagesReceived),
            ("millrace_push_errors_total", "Requests of clients answered with an error.", statistics.errorsAnswered),
            ("millrace_push_gaps_total", "Gap messages sent.", statistics.gaps),
            ("millrace_push_parked_total", "How often a connection fell back to reading the log.", statistics.parked),
            ("millrace_push_conflated_total", "Events skipped because a newer state followed.", statistics.conflated),
            (
                "millrace_push_undecodable_total", "Events that could not be shown and were told as a gap.",
                statistics.undecodable
            ),
        ] {
            writer.counter(name, help: help, value: UInt64(value))
        }
        for (code, count) in statistics.closes.sorted(by: { $0.key < $1.key }) {
            writer.counter(
                "millrace_push_closes_total", help: "Connections closed, by close code (1006: the peer vanished).",
                labels: ["code": String(code)], value: UInt64(count))
        }
    }
}
