import Doors
import Foundation
import Logging
import SOQL
import Testing
import Twin

@testable import millrace

struct ConfigurationTests {
    @Test func minimalFileHasTheDefaults() throws {
        let files = try ConfigurationFiles()
        let configuration = try files.parse(ConfigurationFiles.minimal)
        #expect(configuration.org.loginURL == "https://login.salesforce.com")
        #expect(configuration.org.clientID == "3MVG9.example")
        #expect(configuration.org.username == "bridge@example.com")
        #expect(configuration.org.privateKey.reveal().hasPrefix("-----BEGIN"))
        #expect(configuration.org.audience == "https://login.salesforce.com")
        #expect(configuration.org.pubSubAddress == .init(host: "api.pubsub.salesforce.com", port: 7443))
        #expect(!configuration.org.isPubSubPlaintext)
        #expect(configuration.org.certificateAuthorityFile == nil)
        #expect(configuration.topics == ["/data/ChangeEvents"])
        #expect(configuration.trackedObjects == nil)
        guard case .file(files.directory + "/millrace.sqlite") = configuration.store.location else {
            Issue.record("\(configuration.store.location)")
            return
        }
        #expect(configuration.store.retention == .seconds(72 * 3_600) && configuration.store.logBytesMax == nil)
        #expect(configuration.listen == .init(address: .init(host: "127.0.0.1", port: 8080)))
        #expect(configuration.push.origins.isEmpty)
        #expect(configuration.push.heartbeat == .seconds(25))
        #expect(!configuration.push.allowsTokenInQuery)
        #expect(configuration.push.authenticationTimeout == .seconds(10))
        #expect(configuration.push.messageBytesMax == 65_536)
        #expect(configuration.push.subscriptionsPerConnectionMax == 64)
        #expect(configuration.push.connectionsMax == 10_000)
        #expect(configuration.push.connectionsPerSubjectMax == 100 && configuration.push.connectionsPerAddressMax == 0)
        #expect(configuration.push.queueFramesMax == 64)
        #expect(configuration.log == .init(level: .info, format: .text))
        #expect(configuration.drainTimeout == .seconds(30) && configuration.lameDuck == .zero)
        guard case .secret(let secret) = configuration.push.tokens.key else {
            Issue.record("not a secret")
            return
        }
        #expect(secret.reveal() == ConfigurationFiles.secret)
        #expect(configuration.push.tokens.algorithm == .hs256)
        #expect(configuration.push.tokens.issuer == "https://issuer.example")
        #expect(configuration.push.tokens.audience == "millrace")
    }

    @Test func everyKeyIsRead() throws {
        let files = try ConfigurationFiles()
        try files.writeAuthority()
        let configuration = try files.parse(
            """
            org:
              login_url: http://127.0.0.1:7080/
              client_id: "id"
              username: 'user'
              private_key_env: ORG_KEY
              audience: https://sandbox.example
              pubsub_address: 127.0.0.1:7443
              pubsub_plaintext: true
              ca_file: ca.pem
            topics:
              - /data/CaseChangeEvent
              - /data/Support__chn
              - /event/Low_Ink__e
            track: [Case, Contact]
            objects: { Account: { fields: all }, Case: { fields: [Subject, Status] } }
            api: { calls_per_day_max: 5000, reserve_percent: 25 }
            channels:
              /data/Escalated__chn:
                - selected_entity: CaseChangeEvent
                  filter_expression: Status = 'Escalated'
                - { selected_entity: Note__ChangeEvent }
              /event/Alarms__chn: [{ selected_entity: Low_Ink__e }]
            store: { path: /tmp/log.sqlite, retention: 7d, log_size_max: 4GiB }
            listen:
              host: 0.0.0.0
              port: 0
              certificate_file: ca.pem
              private_key_file: ca.pem
            pubsub: { host: 0.0.0.0, port: 7443, certificate_file: ca.pem, private_key_file: ca.pem }
            push:
              origins: ["https://app.example.com", "http://localhost:5173"]
              tokens:
                algorithm: ES256
                public_key_file: es256-public.pem
                issuer: https://issuer.example
                audience: millrace
              heartbeat: 15s
              access_token_in_query: true
              authentication_timeout: 3s
              message_size_max: 1MiB
              compression: false
              subscriptions_per_connection: 5
              connections_max: 20
              connections_per_subject_max: 3
              connections_per_address_max: 7
              queue_frames_max: 16
            log: { level: debug, format: json }
            shutdown:
              drain_timeout: 1m
              lame_duck: 12s
            """, environment: ["ORG_KEY": try String(contentsOfFile: files.directory + "/org-key.pem", encoding: .utf8)]
        )
        #expect(configuration.org.loginURL == "http://127.0.0.1:7080")
        #expect(configuration.org.audience == "https://sandbox.example")
        #expect(configuration.org.pubSubAddress == .init(host: "127.0.0.1", port: 7443))
        #expect(configuration.org.isPubSubPlaintext)
        #expect(configuration.org.certificateAuthorityFile == files.directory + "/ca.pem")
        #expect(configuration.topics == ["/data/CaseChangeEvent", "/data/Support__chn", "/event/Low_Ink__e"])
        #expect(configuration.trackedObjects == ["Account", "Case", "Contact"])
        let channel = "/data/Support__chn"
        #expect(
            configuration.replicatedObjects == [
                .init(name: "Account", fields: .all, topics: [channel]),
                .init(
                    name: "Case", fields: .named(["Subject", "Status"]), topics: ["/data/CaseChangeEvent", channel]),
            ])
        #expect(configuration.api == .init(callsPerDayMax: 5_000, reservePercent: 25))
        #expect(
            configuration.channels
                == VirtualChannels([
                    "/data/Escalated__chn": [
                        .init(
                            selectedEntity: "CaseChangeEvent", filterExpression: try Condition("Status = 'Escalated'")),
                        .init(selectedEntity: "Note__ChangeEvent"),
                    ],
                    "/event/Alarms__chn": [.init(selectedEntity: "Low_Ink__e")],
                ]))
        guard case .file("/tmp/log.sqlite") = configuration.store.location else {
            Issue.record("\(configuration.store.location)")
            return
        }
        #expect(configuration.store.retention == .seconds(7 * 86_400) && configuration.store.logBytesMax == 4 << 30)
        let authority = files.directory + "/ca.pem"
        #expect(
            configuration.listen
                == .init(
                    address: .init(host: "0.0.0.0", port: 0),
                    certificate: .init(chainFile: authority, privateKeyFile: authority)))
        #expect(
            configuration.pubSub
                == .init(
                    address: .init(host: "0.0.0.0", port: 7443),
                    certificate: .init(chainFile: authority, privateKeyFile: authority)))
        #expect(configuration.push.origins == ["https://app.example.com", "http://localhost:5173"])
        #expect(configuration.push.heartbeat == .seconds(15))
        #expect(configuration.push.allowsTokenInQuery)
        #expect(configuration.push.authenticationTimeout == .seconds(3))
        #expect(configuration.push.messageBytesMax == 1_048_576)
        #expect(!configuration.push.compresses)
        #expect(configuration.push.subscriptionsPerConnectionMax == 5)
        #expect(configuration.push.connectionsMax == 20)
        #expect(configuration.push.connectionsPerSubjectMax == 3 && configuration.push.connectionsPerAddressMax == 7)
        #expect(configuration.push.queueFramesMax == 16)
        #expect(configuration.log == .init(level: .debug, format: .json))
        #expect(configuration.drainTimeout == .seconds(60) && configuration.lameDuck == .seconds(12))
        guard case .publicKey(let pem) = configuration.push.tokens.key else {
            Issue.record("not a public key")
            return
        }
        #expect(pem.hasPrefix("-----BEGIN PUBLIC KEY-----"))
    }

    @Test func loadsFromAFileAndNamesIt() throws {
        let files = try ConfigurationFiles()
        let path = files.directory + "/millrace.yaml"
        try files.write("millrace.yaml", ConfigurationFiles.minimal)
        #expect(try Configuration.load(path: path, environment: [:]).listen.address.port == 8080)
        try files.write("millrace.yaml", ConfigurationFiles.minimal + "\nlisten: { port: 99999 }\nlgo: 1\n")
        let error = #expect(throws: ConfigurationError.self) { try Configuration.load(path: path, environment: [:]) }
        #expect(
            error?.description
                == "\(path):8: listen.port must be 0 to 65535\n\(path):9: unknown key lgo: did you mean log?")
        #expect(
            throws: ConfigurationError(
                file: "/none.yaml", mistakes: [.init(line: 1, message: "the file cannot be read")])
        ) {
            try Configuration.load(path: "/none.yaml", environment: [:])
        }
        try Data([0xFF, 0xFE, 0x41]).write(to: URL(fileURLWithPath: path))
        #expect(
            throws: ConfigurationError(file: path, mistakes: [.init(line: 1, message: "the file is not UTF-8 text")])
        ) {
            try Configuration.load(path: path, environment: [:])
        }
    }

    @Test func secretsDoNotPrint() throws {
        let files = try ConfigurationFiles()
        let configuration = try files.parse(ConfigurationFiles.minimal)
        var dumped = ""
        dump(configuration, to: &dumped)
        for text in ["\(configuration)", String(reflecting: configuration), dumped, "\(configuration.org.privateKey)"] {
            #expect(!text.contains(ConfigurationFiles.secret))
            #expect(!text.contains("PRIVATE KEY"))
            #expect(text.contains("(secret)"))
        }
    }
}
