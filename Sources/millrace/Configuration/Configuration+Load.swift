import Doors
import Foundation
import Logging
import Store
import Twin
import Upstream
import Yams

extension Configuration {
    /// Reads and checks a configuration file.
    ///
    /// Every mistake is found before it fails: unknown, repeated and missing keys, wrong types and values out of range,
    /// unreadable files, secrets that are not there. Relative paths are relative to the file's directory. Blocks for
    /// file reads; call at start, before any loop runs.
    /// - Parameter environment: where `…_env` keys are looked up.
    static func load(path: String, environment: [String: String]) throws(ConfigurationError) -> Configuration {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw ConfigurationError(file: path, mistakes: [.init(line: 1, message: "the file cannot be read")])
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ConfigurationError(file: path, mistakes: [.init(line: 1, message: "the file is not UTF-8 text")])
        }
        let directory = URL(fileURLWithPath: path).deletingLastPathComponent().path
        return try parse(text, file: path, directory: directory, environment: environment)
    }

    /// As `load`, with the text at hand.
    static func parse(
        _ text: String, file: String, directory: String, environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        let mistakes = Mistakes()
        let root = YAMLDocument.root(of: text, mistakes: mistakes)
        // Text that is not YAML has no keys to complain about.
        guard mistakes.sorted.isEmpty else { throw ConfigurationError(file: file, mistakes: mistakes.sorted) }
        let reader = ConfigurationReader(
            root: Section(path: "", node: root, line: 1, mistakes: mistakes),
            files: FileReader(directory: directory, environment: environment))
        let configuration = reader.configuration()
        let found = mistakes.sorted
        guard found.isEmpty else { throw ConfigurationError(file: file, mistakes: found) }
        guard let configuration else { preconditionFailure("a configuration without mistakes is complete") }
        return configuration
    }
}

/// Puts a configuration together from its sections. A value that is missing or wrong has left its mistake behind, so
/// that the whole is nil exactly when there is a mistake.
private struct ConfigurationReader {
    let root: Section
    let files: FileReader

    func configuration() -> Configuration? {
        let org = org(root.section("org"))
        let topics = topics()
        let tracked = trackedObjects()
        let objects = ObjectsReader(root: root, topics: topics ?? TopicCheck.standard).objects()
        let api = api(root.section("api"))
        let sync = sync(root.section("sync"))
        let reconcile = reconcile(root.section("reconcile"))
        let allTracked = tracked?.objects?.union(objects?.map(\.name) ?? [])
        let kept = (objects ?? []).compactMap { object in object.keptFields.map { (object.name, $0) } }
        let channels = ChannelsReader(
            root: root, tracked: allTracked, kept: Dictionary(uniqueKeysWithValues: kept)
        ).channels()
        let store = store(root.section("store"))
        let listen = listen(root.section("listen"))
        let pubSub = pubSub(root.section("pubsub"))
        let push = push(root.section("push"))
        let admin = admin(root.section("admin"))
        let log = log(root.section("log"))
        let shutdown = root.section("shutdown")
        let drainTimeout = shutdown.duration("drain_timeout")
        let lameDuck = shutdown.duration("lame_duck")
        shutdown.finish()
        root.finish()
        guard let org, let topics, tracked != nil, let objects, let api, let sync, let reconcile, let channels,
            let store, let listen, let pubSub, let push, let admin, let log, let drainTimeout, let lameDuck
        else {
            return nil
        }
        return Configuration(
            org: org, topics: topics, store: store, listen: listen, pubSub: pubSub.served, push: push,
            channels: channels, trackedObjects: allTracked, replicatedObjects: objects, api: api, sync: sync,
            reconcile: reconcile, adminSecret: admin.secret, log: log, drainTimeout: drainTimeout, lameDuck: lameDuck)
    }

    // MARK: Sections

    private func org(_ section: Section) -> Configuration.Org? {
        let loginURL = section.url("login_url")
        let clientID = section.text("client_id")
        let username = section.text("username")
        let privateKey = files.secret(section, file: "private_key_file", environment: "private_key_env")
        if let privateKey, let complaint = KeyCheck.complaint(aboutPrivateKey: privateKey.secret) {
            section.mistake(privateKey.key, complaint)
        }
        // Without it, `aud` is the login URL.
        let audience = section.has("audience") ? section.text("audience") : loginURL
        let address = section.address("pubsub_address")
        let isPlaintext = section.boolean("pubsub_plaintext")
        if isPlaintext == true, let address, !WebAddress.isThisMachine(address.host) {
            section.mistake("pubsub_plaintext", "can be true only for a Pub/Sub address on this machine")
        }
        let hasAuthority = section.has("ca_file")
        let authority = files.pathOfReadable(section, "ca_file")
        if let authority, let complaint = OrgConnection.complaint(aboutCertificatesIn: authority) {
            section.mistake("ca_file", complaint)
        }
        if isPlaintext == false, let loginURL, loginURL.hasPrefix("http://") {
            section.mistake("login_url", "can be http:// only beside pubsub_plaintext: true")
        }
        section.finish()
        guard let loginURL, let clientID, let username, let privateKey, let audience, let address, let isPlaintext,
            authority != nil || !hasAuthority
        else { return nil }
        return Configuration.Org(
            loginURL: loginURL, clientID: clientID, username: username, privateKey: privateKey.secret,
            audience: audience,
            pubSubAddress: address, isPubSubPlaintext: isPlaintext, certificateAuthorityFile: authority)
    }

    private func topics() -> [String]? {
        guard root.has("topics") else {
            _ = root.node("topics")
            return TopicCheck.standard
        }
        guard let items = root.list("topics", of: "topics") else { return nil }
        if items.isEmpty { root.mistake("topics", "must name at least one topic") }
        TopicCheck.check(items) { line, message in root.mistakes.add("topics: \(message)", line: line) }
        return items.map(\.text)
    }

    private func trackedObjects() -> (objects: Set<String>?, Void)? {
        guard let node = root.node("track") else { return root.has("track") ? nil : (nil, ()) }
        if let word = node.scalarText {
            if word == "all" { return (nil, ()) }
            root.mistake("track", "must be all or a list of objects, such as [Case, Contact]")
            return nil
        }
        guard let items = root.list("track", of: "objects") else { return nil }
        for item in items where !TopicCheck.isObjectName(item.text) {
            root.mistakes.add("track: \(item.text) is not the API name of an object", line: item.line)
        }
        return (Set(items.map(\.text)), ())
    }

    private func api(_ section: Section) -> Configuration.API? {
        defer { section.finish() }
        let hasMax = section.has("calls_per_day_max")
        let max = section.integer("calls_per_day_max")
        let reserve = section.integer("reserve_percent")
        guard let reserve, max != nil || !hasMax else { return nil }
        return Configuration.API(callsPerDayMax: max, reservePercent: reserve)
    }

    private func sync(_ section: Section) -> Configuration.Sync? {
        defer { section.finish() }
        guard let overlap = section.duration("overlap"), let chunkRows = section.integer("chunk_rows") else {
            return nil
        }
        return Configuration.Sync(overlap: overlap, chunkRows: chunkRows)
    }

    private func reconcile(_ section: Section) -> Configuration.Reconcile? {
        defer { section.finish() }
        let isRegular = section.has("every")
        let every = section.duration("every")
        let isDeepRegular = section.has("deep_every")
        let deepEvery = section.duration("deep_every")
        guard let settle = section.duration("settle"), every != nil || !isRegular, deepEvery != nil || !isDeepRegular
        else { return nil }
        return Configuration.Reconcile(every: every, deepEvery: deepEvery, settle: settle)
    }

    private func store(_ section: Section) -> Configuration.Store? {
        let location = location(section)
        let retention = section.duration("retention")
        let hasLimit = section.has("log_size_max")
        let bytesMax = section.size("log_size_max")
        section.finish()
        guard let location, let retention, bytesMax != nil || !hasLimit else { return nil }
        return Configuration.Store(location: location, retention: retention, logBytesMax: bytesMax)
    }

    private func location(_ section: Section) -> Configuration.Store.Location? {
        let names = ["url_file", "url_env"]
        guard names.contains(where: section.has) else {
            for name in names { _ = section.node(name) }
            if section.has("timestamp_type") { section.mistake("timestamp_type", "is of a PostgreSQL database only") }
            _ = section.node("timestamp_type")
            let path = section.text("path").map(files.resolved)
            if let path, !files.directoryExists(of: path) {
                section.mistake("path", "is in a directory that does not exist")
            }
            return path.map { .file($0) }
        }
        if section.has("path") {
            _ = section.node("path")
            section.mistake("path", "cannot stand beside a database: choose one")
        }
        let timestamps = section.choice("timestamp_type", as: PostgresStore.TimestampType.self)
        guard let url = files.secret(section, file: names[0], environment: names[1]), let timestamps else { return nil }
        let text = url.secret.reveal()
        guard ["postgres://", "postgresql://"].contains(where: text.hasPrefix) else {
            section.mistake(url.key, "must hold postgres://user:password@host:port/database")
            return nil
        }
        return .database(url: url.secret, timestamps: timestamps)
    }

    private func listen(_ section: Section) -> Configuration.Listener? {
        defer { section.finish() }
        let host = section.text("host")
        let port = section.integer("port")
        let certificate = certificate(section)
        guard let host, let port, let certificate else { return nil }
        return Configuration.Listener(address: .init(host: host, port: port), certificate: certificate.files)
    }

    private func pubSub(_ section: Section) -> (served: Configuration.Listener?, Void)? {
        defer { section.finish() }
        let host = section.text("host")
        let isServed = section.has("port")
        let port = section.integer("port")
        guard let certificate = certificate(section) else { return nil }
        guard isServed else {
            guard certificate.files != nil else { return (nil, ()) }
            section.mistake("certificate_file", "is for nothing without pubsub.port")
            return nil
        }
        guard let host, let port else { return nil }
        return (Configuration.Listener(address: .init(host: host, port: port), certificate: certificate.files), ())
    }

    /// A section's certificate and its key, or neither; nil after a mistake.
    private func certificate(_ section: Section) -> (files: Configuration.Listener.Certificate?, Void)? {
        let hasCertificate = section.has("certificate_file"), hasKey = section.has("private_key_file")
        let chain = files.pathOfReadable(section, "certificate_file")
        let key = files.pathOfReadable(section, "private_key_file")
        guard hasCertificate == hasKey else {
            section.mistake(
                hasCertificate ? "certificate_file" : "private_key_file",
                "needs \(section.path).\(hasCertificate ? "private_key_file" : "certificate_file") beside it")
            return nil
        }
        guard hasCertificate else { return (nil, ()) }
        guard let chain, let key else { return nil }
        return (Configuration.Listener.Certificate(chainFile: chain, privateKeyFile: key), ())
    }

    private func admin(_ section: Section) -> (secret: Secret?, Void)? {
        let names = ["secret_file", "secret_env"]
        defer { section.finish() }
        guard names.contains(where: section.has) else {
            for name in names { _ = section.node(name) }
            return (nil, ())
        }
        guard let found = files.secret(section, file: names[0], environment: names[1]) else { return nil }
        guard found.secret.reveal().utf8.count >= AdminSecret.bytesMin else {
            section.mistake(found.key, "holds a secret of less than \(AdminSecret.bytesMin) bytes")
            return nil
        }
        return (found.secret, ())
    }

    private func log(_ section: Section) -> Configuration.Log? {
        let level = section.choice("level", as: Logger.Level.self)
        let format = section.choice("format", as: Configuration.Log.Format.self)
        section.finish()
        guard let level, let format else { return nil }
        return Configuration.Log(level: level, format: format)
    }

    private func push(_ section: Section) -> Configuration.Push? {
        let origins = origins(section)
        let tokens = tokens(section.section("tokens"))
        let heartbeat = section.duration("heartbeat")
        let allowsQuery = section.boolean("access_token_in_query")
        let timeout = section.duration("authentication_timeout")
        let messageBytes = section.size("message_size_max")
        let compresses = section.boolean("compression")
        let subscriptions = section.integer("subscriptions_per_connection")
        let connections = section.integer("connections_max")
        let perSubject = section.integer("connections_per_subject_max")
        let perAddress = section.integer("connections_per_address_max")
        let queueFrames = section.integer("queue_frames_max")
        section.finish()
        guard let origins, let tokens, let heartbeat, let allowsQuery, let timeout, let messageBytes, let compresses,
            let subscriptions,
            let connections, let perSubject, let perAddress, let queueFrames
        else { return nil }
        return Configuration.Push(
            origins: origins, tokens: tokens, heartbeat: heartbeat, allowsTokenInQuery: allowsQuery,
            authenticationTimeout: timeout, messageBytesMax: messageBytes, compresses: compresses,
            subscriptionsPerConnectionMax: subscriptions,
            connectionsMax: connections, connectionsPerSubjectMax: perSubject,
            connectionsPerAddressMax: perAddress, queueFramesMax: queueFrames)
    }

    private func origins(_ section: Section) -> [String]? {
        guard section.has("origins") else {
            _ = section.node("origins")
            return []
        }
        guard let items = section.list("origins", of: "origins") else { return nil }
        for item in items {
            if let complaint = WebAddress.complaint(aboutOrigin: item.text) {
                section.mistakes.add("push.origins: \(item.text) \(complaint)", line: item.line)
            }
        }
        return items.map(\.text)
    }

    private func tokens(_ section: Section) -> Configuration.Tokens? {
        let algorithm = section.choice("algorithm", as: Configuration.Tokens.Algorithm.self)
        let issuer = section.text("issuer")
        let audience = section.text("audience")
        let key = TokenKeyReader(section: section, files: files).key(for: algorithm)
        section.finish()
        guard let algorithm, let issuer, let audience, let key else { return nil }
        return Configuration.Tokens(algorithm: algorithm, key: key, issuer: issuer, audience: audience)
    }
}
