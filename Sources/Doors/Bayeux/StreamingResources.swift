/// `/sobjects/StreamingChannel/{id}/push`: sends texts to the subscribers of a generic channel, and tells who they are.
struct StreamingResources: RESTFamily {
    private static let path = "sobjects/StreamingChannel/{id}/push"
    /// What one request may hold.
    private static let eventsMax = 100

    let service: any StreamingService

    func add(to routes: inout RESTRoutes) {
        let service = self.service
        routes.service("POST", Self.path) { call in
            let events = try Self.events(in: try await call.readDocument())
            let results = try await service.push(channelID: call["id"], events: events, context: call.context)
            return RESTAnswer(
                .array(
                    results.map { result in
                        let statuses = result.userOnlineStatus.map {
                            JSONValue.Member(name: $0.userID, value: .boolean($0.isOnline))
                        }
                        return .members(
                            ("fanoutCount", .number(String(result.fanoutCount))),
                            ("userOnlineStatus", .object(statuses)))
                    }))
        }
        routes.service("GET", Self.path) { call in
            let online = try await service.onlineUsers(channelID: call["id"], context: call.context)
            return RESTAnswer(
                .members(
                    ("OnlineUserIds", .array(online.userIDs.map(JSONValue.string))),
                    ("ChannelName", .string(online.channel))))
        }
    }

    /// `{"pushEvents":[{"payload":"…","userIds":[…]}]}`
    private static func events(in document: JSONValue) throws(OrgError) -> [GenericEvent] {
        guard let values = JSONObject(document)?.array("pushEvents") else {
            throw .badInput("pushEvents: must be an array")
        }
        guard values.count <= eventsMax else { throw .badInput("pushEvents: no more than \(eventsMax) at a time") }
        var events: [GenericEvent] = []
        for value in values {
            guard let object = JSONObject(value), let payload = object.text("payload") else {
                throw .badInput("payload: must be a text")
            }
            var users: [String] = []
            for user in object.array("userIds") ?? [] {
                guard case .string(let id) = user else { throw .badInput("userIds: must be texts") }
                users.append(id)
            }
            events.append(GenericEvent(payload: payload, userIDs: users))
        }
        return events
    }
}
