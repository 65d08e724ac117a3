internal import ChangeEvents
internal import Logging
internal import Store
internal import Synchronization
internal import Twin

/// Answers the loops' questions about the log, off the loops: one task, one list, one read for all who wish the same chunk.
///
/// The list is bounded by the connections (see `LogQuestion`). Answers go to the asking loop's inbox.
final class LogReader: Sendable {
    /// A chunk: large enough to be worth a read, small enough to be held for a client that may not take it.
    static let chunkEventsMax = 256
    static let chunkBytesMax = 512 * 1024

    private let twin: Twin
    private let schemas: SchemaBook
    private let virtual: VirtualChannels
    private let logger: Logger
    private let questions = Mutex<[LogQuestion]>([])
    private let wakeups: AsyncStream<Void>
    private let wake: AsyncStream<Void>.Continuation

    init(twin: Twin, schemas: SchemaBook, virtual: VirtualChannels = .none, logger: Logger) {
        self.twin = twin
        self.schemas = schemas
        self.virtual = virtual
        self.logger = logger
        (wakeups, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func ask(_ question: LogQuestion) {
        let isFirst = questions.withLock { questions in
            questions.append(question)
            return questions.count == 1
        }
        if isFirst { wake.yield() }
    }

    /// Until cancelled.
    func run(inboxes: [LoopInbox]) async {
        for await _ in wakeups {
            while !Task.isCancelled {
                let batch = questions.withLock { questions in
                    defer { questions = [] }
                    return questions
                }
                if batch.isEmpty { break }
                await answer(batch, inboxes: inboxes)
            }
        }
    }

    /// The newest entries up to a head, losses included: with them loops start with a memory and know the replay id that is
    /// the head. None where retention has taken the newest.
    func newest(upTo head: Position, count: Int, bytesMax: Int) async throws -> [LogItem] {
        let end = LogPlace(endOf: head)
        var items: [LogItem] = []
        var bytes = 0
        var place = LogPlace(event: Position(rawValue: max(0, head.rawValue - Int64(count))))
        repeat {
            let (more, _, reached) = try await read(ChunkWish(after: place, selection: .all))
            for item in more where item.place <= end {
                items.append(item)
                bytes += item.bytes
            }
            while items.count > count || (bytes > bytesMax && items.count > 1) { bytes -= items.removeFirst().bytes }
            place = reached
        } while place < LogPlace(event: head)
        // A hole in the memory would be a loss that nobody is told of.
        guard let last = items.last, last.place >= LogPlace(event: head) else { return [] }
        return items
    }

    private func answer(_ batch: [LogQuestion], inboxes: [LoopInbox]) async {
        var order: [ChunkWish] = []
        var askers: [ChunkWish: [LogQuestion]] = [:]
        for question in batch {
            switch question.kind {
            case .place(_, _, _, let replayID, let channel):
                let answer = await place(of: replayID, channel: channel, repeatsMerged: true)
                inboxes[question.loop].put(.placed(question, answer))
            case .chunk(let wish):
                if askers[wish] == nil { order.append(wish) }
                askers[wish, default: []].append(question)
            }
        }
        for wish in order {
            let answer = await chunk(wish)
            for question in askers[wish] ?? [] { inboxes[question.loop].put(.read(question, answer)) }
        }
    }

    /// The topics in which a replay id of a channel may have come, the likeliest first. The same number in a topic of
    /// another family is another event, so "any topic" is the last resort: it finds the places that the hub itself hands
    /// out where a family has no event of its own.
    ///
    /// - Parameter repeatsMerged: a merged event comes again: whoever gets it record by record may have seen a part of it.
    func place(of replayID: ReplayID, channel: String, repeatsMerged: Bool) async -> PlaceAnswer {
        var topics: [String?] = [channel]
        if channel.hasPrefix("/data/"), channel != PushChannel.allChangeEventsName {
            topics.insert(PushChannel.allChangeEventsName, at: 0)
        }
        topics.append(nil)
        let candidates = topics
        var forms = [replayID]
        // A browser sends the counter; the bytes behind it may be the short form.
        if let counter = replayID.counter {
            let long = ReplayID(counter: counter)
            forms = [long, ReplayID(bytes: long.bytes.prefix(8))]
        }
        let replayIDs = forms
        do {
            return try await twin.store.read { reader in
                for topic in candidates {
                    for replayID in replayIDs {
                        guard case .after(let position) = try reader.place(of: replayID, topic: topic) else { continue }
                        return .at(
                            repeatsMerged
                                ? try Self.place(after: position, reader: reader) : LogPlace(event: position))
                    }
                }
                return .unknown
            }
        } catch {
            logger.error("push: a replay id could not be looked up", metadata: ["error": "\(error)"])
            return .failed
        }
    }

    private static func place(after position: Position, reader: any StoreReader) throws -> LogPlace {
        let place = LogPlace(event: position)
        guard position > .start else { return place }
        let before = Position(rawValue: position.rawValue - 1)
        let event = try reader.events(after: before, selection: .all, limit: 1, bytesMax: 1).first
        guard let event, event.position == position, event.content.routing?.header.recordIDs.count ?? 1 > 1 else {
            return place
        }
        return LogPlace(endOf: before)
    }

    private struct Chunk: Sendable {
        var events: [LoggedEvent] = []
        var gaps: [Gap] = []
        var gapReplayIDs: [ReplayID?] = []
        var retained = Position.start
        var reached = Position.start
    }

    private func chunk(_ wish: ChunkWish) async -> ChunkAnswer {
        do {
            let (items, retained, reached) = try await read(wish)
            return .items(items, retained: retained, reached: reached)
        } catch {
            logger.error("push: the log could not be read", metadata: ["error": "\(error)"])
            return .failed
        }
    }

    func read(_ wish: ChunkWish) async throws -> (items: [LogItem], retained: Position, reached: LogPlace) {
        let chunk = try await twin.store.read { reader in try Self.read(wish, reader: reader) }
        var items: [LogItem] = []
        for event in chunk.events {
            items.append(
                LogItem(
                    event: event, schema: try await schemas.facts(event.content.event.schemaID, twin: twin),
                    virtual: virtual))
        }
        for (gap, replayID) in zip(chunk.gaps, chunk.gapReplayIDs) {
            items.append(LogItem(gap: gap, replayID: replayID, virtual: virtual))
        }
        items.sort { $0.place < $1.place }
        // Not past the event: a gap may still be declared behind it.
        return (items, chunk.retained, max(LogPlace(event: chunk.reached), items.last?.place ?? .start))
    }

    private static func read(_ wish: ChunkWish, reader: any StoreReader) throws -> Chunk {
        var chunk = Chunk()
        let after = wish.after.position
        let head = try reader.head()
        // Positions have no holes but those that retention makes at the old end.
        chunk.retained = try reader.oldest().map { Position(rawValue: $0.rawValue - 1) } ?? head
        chunk.events = try reader.events(
            after: after, selection: wish.selection, limit: chunkEventsMax, bytesMax: chunkBytesMax)
        chunk.reached = chunk.events.last?.position ?? max(head, after)
        for gap in try reader.gaps(in: after...chunk.reached) where LogPlace(gap: gap) > wish.after {
            chunk.gaps.append(gap)
            let before = Position(rawValue: gap.position.rawValue - 1)
            let event =
                gap.position > .start
                ? try reader.events(after: before, selection: .all, limit: 1, bytesMax: 1).first : nil
            chunk.gapReplayIDs.append(event.flatMap { $0.position == gap.position ? $0.content.event.replayID : nil })
        }
        return chunk
    }
}
