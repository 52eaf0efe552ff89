/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Names of constants, and lists of message types. */
#include "harness.h"

#include <libdnstap.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The last part of a constant's name is the name in the schema, except for case and underscores. */
static bool is_named(const char *constant, const char *prefix, const char *name)
{
	const char *rest = constant + strlen(prefix);

	if (strncmp(constant, prefix, strlen(prefix)) != 0)
		return false;
	for (; *rest != '\0'; rest++) {
		if (*rest == '_' && *name != '_')
			continue;
		if (strncasecmp(rest, name++, 1) != 0)
			return false;
	}
	return *name == '\0';
}

struct constant {
	uint32_t number;
	const char *name;
};
#define CONSTANT(name) { (uint32_t)name, #name }

/* clang-format off */
static const struct constant types[] = {
	CONSTANT(DNSTAP_MESSAGE_TYPE_AUTH_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_AUTH_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_RESOLVER_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_RESOLVER_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_FORWARDER_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_FORWARDER_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_STUB_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_STUB_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_TOOL_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_TOOL_RESPONSE),
	CONSTANT(DNSTAP_MESSAGE_TYPE_UPDATE_QUERY), CONSTANT(DNSTAP_MESSAGE_TYPE_UPDATE_RESPONSE), { 0, NULL },
};
static const struct constant families[] = {
	CONSTANT(DNSTAP_SOCKET_FAMILY_INET), CONSTANT(DNSTAP_SOCKET_FAMILY_INET6), { 0, NULL },
};
static const struct constant protocols[] = {
	CONSTANT(DNSTAP_SOCKET_PROTOCOL_UDP), CONSTANT(DNSTAP_SOCKET_PROTOCOL_TCP),
	CONSTANT(DNSTAP_SOCKET_PROTOCOL_DOT), CONSTANT(DNSTAP_SOCKET_PROTOCOL_DOH),
	CONSTANT(DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_UDP), CONSTANT(DNSTAP_SOCKET_PROTOCOL_DNSCRYPT_TCP),
	CONSTANT(DNSTAP_SOCKET_PROTOCOL_DOQ), { 0, NULL },
};
static const struct constant http[] = {
	CONSTANT(DNSTAP_HTTP_PROTOCOL_HTTP1), CONSTANT(DNSTAP_HTTP_PROTOCOL_HTTP2),
	CONSTANT(DNSTAP_HTTP_PROTOCOL_HTTP3), { 0, NULL },
};
static const struct constant actions[] = {
	CONSTANT(DNSTAP_POLICY_ACTION_NXDOMAIN), CONSTANT(DNSTAP_POLICY_ACTION_NODATA),
	CONSTANT(DNSTAP_POLICY_ACTION_PASS), CONSTANT(DNSTAP_POLICY_ACTION_DROP),
	CONSTANT(DNSTAP_POLICY_ACTION_TRUNCATE), CONSTANT(DNSTAP_POLICY_ACTION_LOCAL_DATA), { 0, NULL },
};
static const struct constant matches[] = {
	CONSTANT(DNSTAP_POLICY_MATCH_QNAME), CONSTANT(DNSTAP_POLICY_MATCH_CLIENT_IP),
	CONSTANT(DNSTAP_POLICY_MATCH_RESPONSE_IP), CONSTANT(DNSTAP_POLICY_MATCH_NS_NAME),
	CONSTANT(DNSTAP_POLICY_MATCH_NS_IP), { 0, NULL },
};
static const struct constant states[] = {
	CONSTANT(DNSTAP_STATE_DISCONNECTED), CONSTANT(DNSTAP_STATE_CONNECTING),
	CONSTANT(DNSTAP_STATE_CONNECTED), CONSTANT(DNSTAP_STATE_CLOSING), { 0, NULL },
};
static const struct constant kinds[] = {
	CONSTANT(DNSTAP_EVENT_KIND_CONNECTED), CONSTANT(DNSTAP_EVENT_KIND_CONNECT_FAILED),
	CONSTANT(DNSTAP_EVENT_KIND_DISCONNECTED), CONSTANT(DNSTAP_EVENT_KIND_WRITE_FAILED),
	CONSTANT(DNSTAP_EVENT_KIND_DROPPING), CONSTANT(DNSTAP_EVENT_KIND_RECOVERED),
	CONSTANT(DNSTAP_EVENT_KIND_CLOSED), { 0, NULL },
};
/* clang-format on */

/* An enumeration, and the function that names its numbers. */
static const struct enumeration {
	const char *prefix;
	const struct constant *constants;
	const char *(*name_of)(uint32_t number);
} enumerations[] = {
	{ "DNSTAP_MESSAGE_TYPE_", types, dnstap_message_type_name },
	{ "DNSTAP_SOCKET_FAMILY_", families, dnstap_socket_family_name },
	{ "DNSTAP_SOCKET_PROTOCOL_", protocols, dnstap_socket_protocol_name },
	{ "DNSTAP_HTTP_PROTOCOL_", http, dnstap_http_protocol_name },
	{ "DNSTAP_POLICY_ACTION_", actions, dnstap_policy_action_name },
	{ "DNSTAP_POLICY_MATCH_", matches, dnstap_policy_match_name },
	{ "DNSTAP_STATE_", states, dnstap_state_name },
	{ "DNSTAP_EVENT_KIND_", kinds, dnstap_event_kind_name },
};

static const char *constant_of(const struct enumeration *e, uint32_t number)
{
	for (const struct constant *c = e->constants; c->name != NULL; c++)
		if (c->number == number)
			return c->name;
	return NULL;
}

static void names(void)
{
	for (size_t i = 0; i < sizeof enumerations / sizeof *enumerations; i++) {
		const struct enumeration *e = &enumerations[i];

		for (uint32_t number = 0; number < 1000; number++) {
			const char *constant = constant_of(e, number), *name = e->name_of(number);

			if (constant == NULL)
				ASSERT(name == NULL, "%s: %u is %s", e->constants->name, (unsigned)number, name);
			else
				ASSERT(name != NULL && is_named(constant, e->prefix, name), "%s is %s", constant,
				       name == NULL ? "nothing" : name);
		}
		ASSERT(e->name_of(UINT32_MAX) == NULL, "%s: -1 has a name", e->constants->name);
	}
}

/* The first letters of both words: CQ of CLIENT_QUERY. */
static void mnemonics(void)
{
	for (uint32_t type = 0; type < 1000; type++) {
		const char *name = dnstap_message_type_name(type), *mnemonic = dnstap_message_type_mnemonic(type);

		if (name == NULL)
			ASSERT(mnemonic == NULL, "type %u is unnamed, but has the mnemonic %s", (unsigned)type,
			       mnemonic);
		else
			ASSERT(mnemonic != NULL && mnemonic[0] == name[0] && mnemonic[1] == strchr(name, '_')[1] &&
				       mnemonic[2] == '\0',
			       "%s is %s", name, mnemonic == NULL ? "nothing" : mnemonic);
	}
	ASSERT(dnstap_message_type_mnemonic(UINT32_MAX) == NULL, "-1 has a mnemonic");
}

static void lists(void)
{
	static const uint32_t client = DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_QUERY) |
				       DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_CLIENT_RESPONSE);
	static const struct {
		const char *list;
		uint32_t set;
	} good[] = {
		{ "CLIENT_QUERY,CLIENT_RESPONSE", client },
		{ "cq cr", client },
		{ " Cr,\tclient_query\n", client },
		{ "UQ", DNSTAP_MESSAGE_TYPE_BIT(DNSTAP_MESSAGE_TYPE_UPDATE_QUERY) },
		{ "all", DNSTAP_ALL_MESSAGE_TYPES },
		{ "CQ,ALL", DNSTAP_ALL_MESSAGE_TYPES },
		{ "", 0 },
		{ " , ", 0 },
	};
	static const struct {
		const char *list;
		ptrdiff_t unknown; /* where the first unknown word begins */
	} bad[] = {
		{ "CLIENT", 0 },  { "CQ,XX", 3 },      { "5", 0 },    { "CQ;CR", 0 },
		{ " -CQ,XX", 1 }, { "CR, CQ\xff", 4 }, { "alle", 0 }, { "cr cq C Q", 6 },
	};
	const char *unknown;
	uint32_t set;

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		set = 77;
		ASSERT(dnstap_message_types_parse(good[i].list, &set, &unknown) == DNSTAP_OK && set == good[i].set &&
			       unknown == NULL,
		       "'%s': 0x%x", good[i].list, (unsigned)set);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		set = 77;
		ASSERT(dnstap_message_types_parse(bad[i].list, &set, &unknown) == DNSTAP_ERROR_VALUE && set == 77 &&
			       unknown == bad[i].list + bad[i].unknown,
		       "'%s': 0x%x, '%s'", bad[i].list, (unsigned)set, unknown);
		ASSERT(dnstap_message_types_parse(bad[i].list, &set, NULL) == DNSTAP_ERROR_VALUE, "'%s'", bad[i].list);
	}
	ASSERT(dnstap_message_types_parse(NULL, &set, &unknown) == DNSTAP_ERROR_NULL && unknown == NULL, "no list");
	ASSERT(dnstap_message_types_parse("CQ", NULL, NULL) == DNSTAP_ERROR_NULL, "a NULL set");
	/* Each name and mnemonic is parsed. */
	for (const struct constant *c = types; c->name != NULL; c++) {
		char list[100];

		snprintf(list, sizeof list, "%s %s", dnstap_message_type_name(c->number),
			 dnstap_message_type_mnemonic(c->number));
		ASSERT(dnstap_message_types_parse(list, &set, NULL) == DNSTAP_OK &&
			       set == DNSTAP_MESSAGE_TYPE_BIT(c->number),
		       "'%s': 0x%x", list, (unsigned)set);
	}
}

int main(int argc, char **argv)
{
	static const struct test_case cases[] = {
		CASE("each constant has its name, and other numbers have none", names),
		CASE("each message type has its mnemonic", mnemonics),
		CASE("lists of message types are parsed", lists),
	};

	return RUN_CASES(argc, argv, cases);
}
