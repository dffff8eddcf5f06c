// AnQiCMS' accounts. The app itself is in no registry that we use: this is its `users` table, column for column as its model
// declares it, and what its log-in does: the account by its address, rows that are marked as deleted left out, white space
// trimmed from the password, and golang.org/x/crypto/bcrypt. Its tokens are signed and stand in no table.
package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/crypto/bcrypt"
)

type asked struct {
	Database struct {
		Host, Name, User, Password string
		Port                       int
	}
	Name, Address, Password, Kept string
}

const table = `CREATE TABLE users (
	id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
	created_time INT DEFAULT 0,
	updated_time INT DEFAULT 0,
	deleted_at DATETIME(3) NULL,
	parent_id INT NOT NULL DEFAULT 0,
	user_name VARCHAR(64) NOT NULL DEFAULT '',
	real_name VARCHAR(64) NOT NULL DEFAULT '',
	avatar_url VARCHAR(255) NOT NULL DEFAULT '',
	introduce VARCHAR(1000) NOT NULL DEFAULT '',
	email VARCHAR(100) NOT NULL DEFAULT '',
	phone VARCHAR(20) NOT NULL DEFAULT '',
	group_id INT UNSIGNED NOT NULL DEFAULT 0,
	password VARCHAR(255) NOT NULL DEFAULT '',
	status TINYINT(1) NOT NULL DEFAULT 0,
	is_retailer TINYINT(1) NOT NULL DEFAULT 0,
	balance BIGINT NOT NULL DEFAULT 0,
	total_reward BIGINT NOT NULL DEFAULT 0,
	invite_code VARCHAR(100) NOT NULL DEFAULT '',
	last_login INT DEFAULT 0,
	expire_time INT DEFAULT 0,
	INDEX idx_created_time (created_time), INDEX idx_updated_time (updated_time), INDEX idx_users_deleted_at (deleted_at),
	INDEX idx_email (email), INDEX idx_users_phone (phone), INDEX idx_invite_code (invite_code)
) DEFAULT CHARSET=utf8mb4`

func main() {
	answer, err := run(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(answer)
}

func run(verb string) (any, error) {
	var ask asked
	if err := json.NewDecoder(os.Stdin).Decode(&ask); err != nil {
		return nil, err
	}
	where := mysql.NewConfig()
	where.User, where.Passwd, where.DBName = ask.Database.User, ask.Database.Password, ask.Database.Name
	where.Net, where.Addr = "tcp", fmt.Sprintf("%s:%d", ask.Database.Host, ask.Database.Port)
	database, err := sql.Open("mysql", where.FormatDSN())
	if err != nil {
		return nil, err
	}
	do := func(statement string, values ...any) (sql.Result, error) { return database.Exec(statement, values...) }
	password := strings.TrimSpace(ask.Password)
	switch verb {
	case "install":
		_, err := do(table)
		return "", err
	case "add":
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		now := time.Now().Unix()
		made, err := do("INSERT INTO users (user_name, email, password, status, created_time, updated_time) VALUES (?, ?, ?, 1, ?, ?)",
			ask.Name, ask.Address, hash, now, now)
		if err != nil {
			return nil, err
		}
		id, err := made.LastInsertId()
		return fmt.Sprint(id), err
	case "enter":
		var id, hash string
		found := database.QueryRow("SELECT id, password FROM users WHERE email = ? AND deleted_at IS NULL", ask.Address)
		if found.Scan(&id, &hash) != nil || bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) != nil {
			return nil, nil
		}
		return id, nil
	case "change":
		hash, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			return nil, err
		}
		_, err = do("UPDATE users SET password = ?, updated_time = ? WHERE email = ?", hash, time.Now().Unix(), ask.Address)
		return true, err
	case "disable":
		_, err = do("UPDATE users SET deleted_at = NOW(3) WHERE email = ?", ask.Address)
		return true, err
	}
	return nil, fmt.Errorf("no verb is called %q", verb)
}
